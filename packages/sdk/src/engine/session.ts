import * as ort from 'onnxruntime-web/wasm'
import {
  AfieldError,
  asAfieldError,
  checkRecord,
  decodeOutputs,
  describeDisagreement,
  encodeRecords,
  findDisagreement,
  parseContract,
  parseSelfTest,
  type Contract,
  type Outputs,
  type RecordValue,
  type SelfTest,
} from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
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

/** onnxruntime allows one run at a time in a realm, whatever the session. */
let lastRun: Promise<unknown> = Promise.resolve()

/** One model on one backend. */
export class Session {
  readonly #session: ort.InferenceSession
  readonly #contract: Contract

  private constructor(session: ort.InferenceSession, contract: Contract) {
    this.#session = session
    this.#contract = contract
  }

  /**
   * Makes a session and, when there are golden vectors, lets it serve only if it agrees with them.
   *
   * @throws AfieldError `descriptor/invalid`, `engine/session-failed`, `engine/runtime-unavailable` or
   *   `model/self-test-failed`.
   */
  static async create({ bytes, externalData, operators, ...described }: EngineModel): Promise<Session> {
    const contract = parseContract(described.contract)
    const selfTest = described.selfTest === undefined ? undefined : parseSelfTest(described.selfTest)
    let inner: ort.InferenceSession
    try {
      // The arena and the memory pattern are off by default on the web; both make runs of one shape cheaper.
      inner = await ort.InferenceSession.create(bytes, {
        executionProviders: ['wasm'],
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
    const session = new Session(inner, contract)
    try {
      if (selfTest) await session.#selfTest(selfTest)
    } catch (error) {
      await session.release()
      throw error
    }
    return session
  }

  /** Answers or errors, one a record and in their order. One bad record does not touch the others. */
  async predict(records: readonly RecordValue[]): Promise<readonly (Outputs | AfieldError)[]> {
    const results: (Outputs | AfieldError)[] = []
    const valid: number[] = []
    for (const [at, record] of records.entries()) {
      try {
        checkRecord(this.#contract, record)
        valid.push(at)
      } catch (error) {
        results[at] = asAfieldError(error, 'internal/unexpected', 'The record could not be read')
      }
    }
    await Promise.all(
      this.#groups(valid).map(async (group) => {
        const answers = await this.#answer(group.map((at) => records[at] ?? {}))
        group.forEach((at, i) => {
          const answer = answers instanceof AfieldError ? answers : answers[i]
          results[at] = answer ?? new AfieldError('internal/unexpected', 'An answer is missing.')
        })
      }),
    )
    return results
  }

  async release(): Promise<void> {
    await lastRun
    await this.#session.release()
  }

  /** One run for all where the graph's batch dimension is free, else one run a record. */
  #groups<T>(items: readonly T[]): readonly (readonly T[])[] {
    if (items.length === 0) return []
    const free = this.#session.inputMetadata.every((input) => input.isTensor && isFree(input.shape[0]))
    return free ? [items] : items.map((item) => [item])
  }

  async #answer(records: readonly RecordValue[]): Promise<readonly Outputs[] | AfieldError> {
    // The run before this one may have failed; that is its caller's business.
    const run = lastRun.then(() => this.#run(records))
    lastRun = run.catch(() => undefined)
    try {
      return await run
    } catch (cause) {
      return asAfieldError(cause, 'engine/run-failed', 'The model failed to run')
    }
  }

  async #run(records: readonly RecordValue[]): Promise<readonly Outputs[]> {
    const encoded = encodeRecords(this.#contract, records)
    const feeds = Object.fromEntries(
      Object.entries(encoded).map(([name, { dtype, data, dims }]) => [
        name,
        new ort.Tensor(dtype, data, dims),
      ]),
    )
    const results = await this.#session.run(feeds)
    const tensors = Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => [name, { dtype: type, dims, data }]),
    )
    return decodeOutputs(this.#contract, tensors, records.length)
  }

  /** Replays the golden vectors together, and the first one alone: that is the shape that will be served. */
  async #selfTest(selfTest: SelfTest): Promise<void> {
    const [first] = selfTest.vectors
    if (!first) return
    await this.#replay(selfTest)
    await this.#replay({ ...selfTest, vectors: [first] })
  }

  async #replay(selfTest: SelfTest): Promise<void> {
    const answers = await this.predict(selfTest.vectors.map(({ input }) => input))
    const outputs = answers.map((answer, vector) => {
      if (!(answer instanceof AfieldError)) return answer
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

/** A dimension without a name reads as -1, signed or not. */
function isFree(dimension: number | string | undefined): boolean {
  return typeof dimension === 'string' || dimension === -1 || dimension === 0xffff_ffff
}
