import {
  AfieldError,
  describeDisagreement,
  findDisagreement,
  type Answer,
  type ErrorCode,
  type Outputs,
  type SelfTest,
} from '@afield/protocol'
import type { Asked } from './messages.js'

/** What keeps a version from answering here and now, and says nothing of its answers. */
const NOT_ITS_FAULT: readonly ErrorCode[] = ['engine/device-lost', 'engine/out-of-memory']

type Predict = (questions: readonly Asked[]) => Promise<readonly (Answer | AfieldError)[]>

/**
 * Replays the golden vectors together, and the first one alone: that is the shape that will be served.
 *
 * @throws AfieldError `model/self-test-failed` naming the vector and the output; `engine/device-lost`,
 *   `engine/out-of-memory`.
 */
export async function replay(selfTest: SelfTest, predict: Predict): Promise<void> {
  const [first] = selfTest.vectors
  if (!first) return
  await replayTogether(selfTest, predict)
  await replayTogether({ ...selfTest, vectors: [first] }, predict)
}

/**
 * What golden vectors, which may have been asked again and again in their order, were answered with.
 *
 * @throws AfieldError as {@link replay} does, for one that got no answer.
 */
export function outputsOf(
  { length }: SelfTest['vectors'],
  answers: readonly (Answer | AfieldError)[],
): readonly Outputs[] {
  return answers.map((answer, at) => {
    if (!(answer instanceof AfieldError)) return answer.outputs
    if (NOT_ITS_FAULT.includes(answer.code)) throw answer
    const vector = at % length
    throw new AfieldError(
      'model/self-test-failed',
      `golden vector ${vector + 1} got no answer: ${answer.message}`,
      { cause: answer, details: { vector } },
    )
  })
}

async function replayTogether(selfTest: SelfTest, predict: Predict): Promise<void> {
  const { vectors } = selfTest
  const outputs = outputsOf(vectors, await predict(vectors.map(({ input }) => ({ golden: input }))))
  const disagreement = findDisagreement(selfTest, outputs)
  if (!disagreement) return
  throw new AfieldError('model/self-test-failed', `${describeDisagreement(disagreement)}.`, {
    details: { vector: disagreement.vector, output: disagreement.output },
  })
}
