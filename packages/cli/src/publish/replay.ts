import {
  AfieldError,
  describeDisagreement,
  findDisagreement,
  type Codec,
  type GoldenVector,
  type Outputs,
  type Prepared,
  type SelfTest,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import { runModel, type LoadableModel } from './run-model.js'

/** What of a vector or an answer is shown at most. */
const SHOWN_CHARACTERS = 2000

const REMEDY =
  'Compare how the model was exported with how it was trained. To publish it all the same: --skip-replay, which the ' +
  'descriptor records; devices still test it.'

const VARIANT_REMEDY =
  'Where that is as close as this precision comes, and close enough for what the answer is used for, give the variant a ' +
  '`tolerance` of its own. Otherwise convert it anew, with its sensitive layers left as they were, or leave it out.'

/**
 * Runs the model on its golden vectors, with the runtime that devices use, and compares.
 *
 * @param variant of the model, where it is not the model itself.
 * @throws AfieldError `model/self-test-failed` showing the vector that disagrees; CliError `golden/invalid` when a
 *   vector's input does not fit the contract; `graph/invalid` when the runtime cannot load or run the model.
 */
export async function replayGoldenVectors(
  model: LoadableModel,
  codec: Codec,
  vectors: readonly GoldenVector[],
  tolerance: SelfTest['tolerance'],
  variant?: string,
): Promise<void> {
  // One alone would not show whether inputs can be answered together.
  const replayed = vectors.length === 1 ? [...vectors, ...vectors] : [...vectors]
  const answers = await runModel(model, codec, await prepareVectors(codec, replayed))
  const outputs = answers.map((answer) => answer.outputs)
  const disagreement = findDisagreement({ vectors: replayed, tolerance, replay: 'passed' }, outputs)
  if (!disagreement) return
  throw new AfieldError(
    'model/self-test-failed',
    `${variant === undefined ? 'The model is not the one that was trained' : `${variant} is not the model that was trained`}: ` +
      `${describeDisagreement(disagreement)}.\n` +
      `${showVector(replayed[disagreement.vector], outputs[disagreement.vector])}\n` +
      (variant === undefined ? REMEDY : VARIANT_REMEDY),
    { details: { vector: disagreement.vector, output: disagreement.output } },
  )
}

/** Says which vector does not fit the contract. */
async function prepareVectors(codec: Codec, vectors: readonly GoldenVector[]): Promise<readonly Prepared[]> {
  const prepared: Prepared[] = []
  for (const [i, { input }] of vectors.entries()) {
    try {
      prepared.push(await codec.prepareGolden(input))
    } catch (cause) {
      if (!(cause instanceof AfieldError)) throw cause
      throw new CliError(
        'golden/invalid',
        `Golden vector ${i + 1} does not fit the contract: ${cause.message}`,
        { cause },
      )
    }
  }
  return prepared
}

function showVector(vector: GoldenVector | undefined, answer: Outputs | undefined): string {
  return [
    `  input:    ${show(vector?.input)}`,
    `  expected: ${show(vector?.output)}`,
    `  answered: ${show(answer)}`,
  ].join('\n')
}

function show(value: unknown): string {
  const json = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return String(part)
    return ArrayBuffer.isView(part) && 'length' in part ? Array.from(part as Float32Array) : part
  })
  return json.length > SHOWN_CHARACTERS ? `${json.slice(0, SHOWN_CHARACTERS)}…` : json
}
