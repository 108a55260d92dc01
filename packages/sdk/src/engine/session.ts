import * as ort from 'onnxruntime-web/wasm'
import {
  AfieldError,
  asAfieldError,
  createCodec,
  describeDisagreement,
  findDisagreement,
  kindOf,
  parseContract,
  parseSelfTest,
  readable,
  type Answer,
  type Codec,
  type Feeds,
  type Prepared,
  type SelfTest,
} from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import { readFailure, runFailure } from './failures.js'
import type { KindOf } from './kinds.js'
import type { Asked } from './messages.js'
import { proveRuntime } from './onnxruntime.js'

/**
 * Graphs of these alone hold nothing that onnxruntime could fuse to much use: a 64-256-256-10 MLP runs 5 % faster with
 * all optimisations, 0.6 µs a prediction, but has its first answer some 10 ms later, because the optimiser's code must
 * be compiled first.
 */
const PLAIN_OPERATORS: ReadonlySet<string> = new Set(
  'Add ArgMax Cast Clip Concat Div Flatten Gemm Identity MatMul Mul Relu Reshape Sigmoid Softmax Sub Tanh'.split(
    ' ',
  ),
)

/** What onnxruntime would write to the console of a run that fails may quote the input. */
const QUIET = { logSeverityLevel: 4 } as const

/** onnxruntime allows one run at a time in a realm, whatever the session. */
let lastRun: Promise<unknown> = Promise.resolve()

/** A question that fits the contract, and its place among those it came with. */
interface Ready {
  readonly at: number
  readonly prepared: Prepared
}

/** One model on one backend. */
export class Session {
  readonly #session: ort.InferenceSession
  readonly #codec: Codec
  readonly #batches: boolean

  private constructor(session: ort.InferenceSession, codec: Codec) {
    this.#session = session
    this.#codec = codec
    this.#batches = session.inputMetadata.every((input) => input.isTensor && isFree(input.shape[0]))
  }

  /**
   * Makes a session and, when there are golden vectors, lets it serve only if it agrees with them.
   *
   * @throws AfieldError `descriptor/invalid`, `platform/unsupported`, `engine/session-failed`,
   *   `engine/runtime-unavailable` or `model/self-test-failed`.
   */
  static async create(model: EngineModel, findKind: KindOf): Promise<Session> {
    const { contract, assets, stateOf } = model
    const kind = await findKind(kindOf(contract))
    const codec = await createCodec(parseContract(contract, kind), kind, { assets, stateOf })
    const selfTest = model.selfTest === undefined ? undefined : parseSelfTest(model.selfTest)
    const session = new Session(await createSession(model), codec)
    try {
      if (selfTest) await session.#selfTest(selfTest)
    } catch (error) {
      await session.release()
      throw error
    }
    return session
  }

  /** Answers or errors, one a question and in their order. One bad input does not touch the others. */
  predict(questions: readonly Asked[]): Promise<readonly (Answer | AfieldError)[]> {
    return this.#answerAll(questions, (asked) =>
      'golden' in asked
        ? this.#codec.prepareGolden(asked.golden)
        : this.#codec.prepare(asked.input, asked.state),
    )
  }

  async release(): Promise<void> {
    await lastRun
    await this.#session.release()
  }

  async #answerAll<Q>(
    questions: readonly Q[],
    prepare: (question: Q) => Prepared | Promise<Prepared>,
  ): Promise<readonly (Answer | AfieldError)[]> {
    const results: (Answer | AfieldError)[] = []
    const ready: Ready[] = []
    for (const [at, question] of questions.entries()) {
      try {
        const prepared = prepare(question)
        ready.push({ at, prepared: prepared instanceof Promise ? await prepared : prepared })
      } catch (error) {
        results[at] = readFailure(error)
      }
    }
    await Promise.all(
      this.#groups(ready).map(async (group) => {
        const answers = await this.#answer(group.map(({ prepared }) => prepared))
        group.forEach(({ at }, i) => {
          results[at] = answers[i] ?? new AfieldError('internal/unexpected', 'An answer is missing.')
        })
      }),
    )
    return results
  }

  /** One run for all that may share one where the graph's batch dimension is free, else one run an input. */
  #groups(ready: readonly Ready[]): readonly (readonly Ready[])[] {
    if (ready.length < 2 || !this.#batches) return ready.map((one) => [one])
    return this.#codec.groups(ready, ({ prepared }) => prepared)
  }

  /** Where a run fails, its halves run apart: an input that the graph cannot take costs no other its answer. */
  async #answer(group: readonly Prepared[]): Promise<readonly (Answer | AfieldError)[]> {
    // The run before this one may have failed; that is its caller's business.
    const run = lastRun.then(() => this.#run(group))
    lastRun = run.catch(() => undefined)
    try {
      return await run
    } catch (cause) {
      if (group.length < 2) return [runFailure(cause)]
      const half = group.length >> 1
      return [...(await this.#answer(group.slice(0, half))), ...(await this.#answer(group.slice(half)))]
    }
  }

  async #run(group: readonly Prepared[]): Promise<readonly Answer[]> {
    const results = await this.#session.run(toRuntime(this.#codec.encode(group)), QUIET)
    const tensors = Object.entries(results).map(([name, { type, dims, data }]) => [
      name,
      readable({ dtype: type, dims, data }),
    ])
    return this.#codec.decode(Object.fromEntries(tensors) as Feeds, group)
  }

  /** Replays the golden vectors together, and the first one alone: that is the shape that will be served. */
  async #selfTest(selfTest: SelfTest): Promise<void> {
    const [first] = selfTest.vectors
    if (!first) return
    await this.#replay(selfTest)
    await this.#replay({ ...selfTest, vectors: [first] })
  }

  async #replay(selfTest: SelfTest): Promise<void> {
    const answers = await this.#answerAll(selfTest.vectors, ({ input }) => this.#codec.prepareGolden(input))
    const outputs = answers.map((answer, vector) => {
      if (!(answer instanceof AfieldError)) return answer.outputs
      throw new AfieldError(
        'model/self-test-failed',
        `golden vector ${vector + 1} got no answer: ${answer.message}`,
        { cause: answer, details: { vector } },
      )
    })
    const disagreement = findDisagreement(selfTest, outputs)
    if (!disagreement) return
    throw new AfieldError('model/self-test-failed', `${describeDisagreement(disagreement)}.`, {
      details: { vector: disagreement.vector, output: disagreement.output },
    })
  }
}

async function createSession({ bytes, externalData, operators }: EngineModel): Promise<ort.InferenceSession> {
  try {
    // The arena and the memory pattern are off by default on the web; both make runs of one shape cheaper.
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ['wasm'],
      ...QUIET,
      ...(externalData.length > 0 ? { externalData } : {}),
      graphOptimizationLevel: operators.every((name) => PLAIN_OPERATORS.has(name)) ? 'disabled' : 'all',
      enableCpuMemArena: true,
      enableMemPattern: true,
    })
  } catch (cause) {
    // Where nothing runs, the model is not to blame.
    await proveRuntime()
    throw asAfieldError(cause, 'engine/session-failed', 'onnxruntime refused the model')
  }
}

function toRuntime(feeds: Feeds): Record<string, ort.Tensor> {
  return Object.fromEntries(
    // The overloads tie each dtype to its own array type, which a union of them cannot show.
    Object.entries(feeds).map(([name, { dtype, data, dims }]) => [
      name,
      new ort.Tensor(dtype as 'float32', data as Float32Array, dims),
    ]),
  )
}

/** A dimension without a name reads as -1, signed or not. */
function isFree(dimension: number | string | undefined): boolean {
  return typeof dimension === 'string' || dimension === -1 || dimension === 0xffff_ffff
}
