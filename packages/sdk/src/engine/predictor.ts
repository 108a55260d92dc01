import {
  AfieldError,
  createCodec,
  kindOf,
  parseContract,
  parseSelfTest,
  type Answer,
  type Codec,
  type Prepared,
  type SelfTest,
} from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import { readFailure, runFailure } from './failures.js'
import type { KindOf } from './kinds.js'
import type { Asked, EngineFacts } from './messages.js'
import { replay } from './self-test.js'
import { Session } from './session.js'

const MEASURED_RUNS = 5

/** A question that fits the contract, and its place among those it came with. */
interface Ready {
  readonly at: number
  readonly prepared: Prepared
}

/** Answers questions in an app's words with a session that knows tensors. */
export class Predictor {
  readonly #session: Session
  readonly #codec: Codec
  /** To measure with; none where the version's vectors were not sent. */
  readonly #golden: SelfTest['vectors']

  private constructor(session: Session, codec: Codec, golden: SelfTest['vectors']) {
    this.#session = session
    this.#codec = codec
    this.#golden = golden
  }

  /**
   * Makes a session and, when there are golden vectors, lets it serve only if it agrees with them.
   *
   * @throws AfieldError `descriptor/invalid`, `platform/unsupported`, `engine/session-failed`,
   *   `engine/runtime-unavailable` or `model/self-test-failed`.
   */
  static async create(model: EngineModel, findKind: KindOf): Promise<Predictor> {
    const { contract, assets, stateOf } = model
    const kind = await findKind(kindOf(contract))
    const codec = await createCodec(parseContract(contract, kind), kind, { assets, stateOf })
    const selfTest = model.selfTest === undefined ? undefined : selfTestOf(model)
    const predictor = new Predictor(await Session.create(model), codec, selfTest?.vectors ?? [])
    try {
      if (selfTest) await replay(selfTest, (questions) => predictor.predict(questions))
      predictor.#session.proveBackend()
    } catch (error) {
      await predictor.release()
      throw error
    }
    return predictor
  }

  /** Answers or errors, one a question and in their order. One bad input does not touch the others. */
  async predict(questions: readonly Asked[]): Promise<readonly (Answer | AfieldError)[]> {
    const results: (Answer | AfieldError)[] = []
    const ready: Ready[] = []
    for (const [at, question] of questions.entries()) {
      try {
        const prepared = this.#prepare(question)
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

  get facts(): EngineFacts {
    return this.#session.facts
  }

  /** Resolves when what it runs on goes away; `undefined` on WASM. */
  get lost(): Promise<AfieldError> | undefined {
    return this.#session.lost
  }

  /** The median of a few runs of as many golden vectors together, in ms. */
  async measure(together: number, selfTest?: unknown): Promise<number> {
    const golden = selfTest === undefined ? this.#golden : parseSelfTest(selfTest).vectors
    const asked = Array.from({ length: together }, (_, i) => golden[i % golden.length]).flatMap((vector) =>
      vector ? [{ golden: vector.input }] : [],
    )
    const times: number[] = []
    while (times.length < MEASURED_RUNS) {
      const began = performance.now()
      await this.predict(asked)
      times.push(performance.now() - began)
    }
    return times.sort((a, b) => a - b)[MEASURED_RUNS >> 1] ?? 0
  }

  release(): Promise<void> {
    return this.#session.release()
  }

  #prepare(asked: Asked): Prepared | Promise<Prepared> {
    return 'golden' in asked
      ? this.#codec.prepareGolden(asked.golden)
      : this.#codec.prepare(asked.input, asked.state)
  }

  /** One run for all that may share one where the graph's batch dimension is free, else one run an input. */
  #groups(ready: readonly Ready[]): readonly (readonly Ready[])[] {
    if (ready.length < 2 || !this.#session.batches) return ready.map((one) => [one])
    return this.#codec.groups(ready, ({ prepared }) => prepared)
  }

  /** Where a run fails, its halves run apart: an input that the graph cannot take costs no other its answer. */
  async #answer(group: readonly Prepared[]): Promise<readonly (Answer | AfieldError)[]> {
    try {
      return this.#codec.decode(await this.#session.run(this.#codec.encode(group)), group)
    } catch (cause) {
      if (group.length < 2) return [runFailure(cause)]
      const half = group.length >> 1
      return [...(await this.#answer(group.slice(0, half))), ...(await this.#answer(group.slice(half)))]
    }
  }
}

function selfTestOf({ selfTest, tolerance }: EngineModel): SelfTest {
  const parsed = parseSelfTest(selfTest)
  return tolerance ? { ...parsed, tolerance } : parsed
}
