import {
  AfieldError,
  createCodec,
  kindOf,
  PackedCodec,
  parseContract,
  parseSelfTest,
  type Answer,
  type Codec,
  type PackedInput,
  type PackedTensor,
  type Prepared,
  type SelfTest,
} from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import { AnswerCache, cacheKey } from './cache.js'
import { readFailure, runFailure } from './failures.js'
import type { KindOf } from './kinds.js'
import type { Asked, EngineFacts } from './messages.js'
import { outputsOf, replay } from './self-test.js'
import { Session } from './session.js'

const MEASURED_RUNS = 5

/** Elements of one packed run: 16 MiB. */
const MAX_PACKED = 2 ** 22

/** An answer, and whether it was given before; or why there is none. */
export type Predicted = (Answer & { readonly cached?: true }) | AfieldError

/** Hears answers, each with the place of its question; of none: that work goes on. */
export type Hear = (answers: readonly (readonly [at: number, answer: Predicted])[]) => void

/** A question that fits the contract, and its place among those it came with. */
interface Ready {
  readonly at: number
  readonly prepared: Prepared
}

/** Answers questions in an app's words with a session that knows tensors. */
export class Predictor {
  readonly #session: Session
  readonly #codec: Codec
  readonly #packed: PackedCodec | undefined
  #cache: AnswerCache | undefined
  /** To measure with; none where the version's vectors were not sent. */
  readonly #golden: SelfTest['vectors']

  private constructor(
    session: Session,
    codec: Codec,
    packed: PackedCodec | undefined,
    golden: SelfTest['vectors'],
  ) {
    this.#session = session
    this.#codec = codec
    this.#packed = session.batches ? packed : undefined
    this.#golden = golden
  }

  /**
   * Makes a session and, when there are golden vectors, lets it serve only if it agrees with them.
   *
   * @param runtime what a session waits for; all else is made meanwhile.
   * @throws AfieldError `descriptor/invalid`, `platform/unsupported`, `engine/session-failed`,
   *   `engine/runtime-unavailable` or `model/self-test-failed`.
   */
  static async create(model: EngineModel, findKind: KindOf, runtime?: Promise<void>): Promise<Predictor> {
    const { assets, stateOf } = model
    const kind = await findKind(kindOf(model.contract))
    const contract = parseContract(model.contract, kind)
    const codec = await createCodec(contract, kind, { assets, stateOf })
    const selfTest = model.selfTest === undefined ? undefined : selfTestOf(model)
    await runtime
    const session = await Session.create(model)
    const predictor = new Predictor(session, codec, PackedCodec.of(contract), selfTest?.vectors ?? [])
    try {
      if (selfTest) await replay(selfTest, (questions) => predictor.predict(questions))
      predictor.#session.proveBackend()
    } catch (error) {
      await predictor.release()
      throw error
    }
    return predictor
  }

  /**
   * Answers or errors, one a question and in their order. One bad input does not touch the others.
   *
   * @param hear hears them after each run, and of each question that was read.
   */
  async predict(questions: readonly Asked[], hear: Hear = () => undefined): Promise<readonly Predicted[]> {
    const results: Predicted[] = []
    const tell: Hear = (answers) => {
      for (const [at, answer] of answers) results[at] = answer
      hear(answers)
    }
    const unasked: [at: number, answer: Predicted][] = []
    const ready: Ready[] = []
    for (const [at, question] of questions.entries()) {
      try {
        const prepared = this.#prepare(question)
        const one = { at, prepared: prepared instanceof Promise ? await prepared : prepared }
        const cache = this.#cacheFor(question)
        const known = cache && this.#known(cache, one.prepared)
        if (known) unasked.push([at, known])
        else ready.push(one)
      } catch (error) {
        unasked.push([at, readFailure(error)])
      }
      hear([])
    }
    tell(unasked)
    await Promise.all(
      this.#groups(ready).map(async (group) => {
        const answers = await this.#answer(group.map(({ prepared }) => prepared))
        tell(
          group.map(({ at, prepared }, i) => {
            const answer = answers[i] ?? new AfieldError('internal/unexpected', 'An answer is missing.')
            this.#keep(questions[at], prepared, answer)
            return [at, answer]
          }),
        )
      }),
    )
    return results
  }

  /** Whether questions that are asked together share a run. */
  get sharesRuns(): boolean {
    return this.#session.batches
  }

  /** How inputs may travel packed; `undefined` where they may not. */
  get packs(): PackedInput | undefined {
    return this.#packed?.input
  }

  /** Keeps the answers to so many inputs for when they come again; 0: none. */
  keepAnswers(count: number): void {
    if (count > 0) (this.#cache ??= new AnswerCache()).keep(count)
    else this.#cache = undefined
  }

  /**
   * Answers packed inputs by one run.
   *
   * @param data the inputs, one after the other, of as many rows each.
   * @returns `undefined` where each has to be asked for itself: something failed, or answers are kept.
   */
  async predictPacked(data: Float32Array, count: number): Promise<readonly PackedTensor[] | undefined> {
    const packed = this.#packed
    if (!packed || this.#cache || data.length > MAX_PACKED) return undefined
    try {
      return packed.decode(
        await this.#session.run(packed.encode(data)),
        data.length / packed.input.rowSize,
        count,
      )
    } catch {
      // Asked for itself, each question gets an error of its own, or its answer.
      return undefined
    }
  }

  get facts(): EngineFacts {
    return this.#session.facts
  }

  /** Resolves when what it runs on goes away; `undefined` on WASM. */
  get lost(): Promise<AfieldError> | undefined {
    return this.#session.lost
  }

  /**
   * The median of a few runs of as many golden vectors together, in ms.
   *
   * @throws AfieldError as {@link replay} does, for a vector that got no answer: what fails at once is not fast.
   */
  async measure(together: number, selfTest?: unknown): Promise<number> {
    const golden = selfTest === undefined ? this.#golden : parseSelfTest(selfTest).vectors
    const asked = Array.from({ length: together }, (_, i) => golden[i % golden.length]).flatMap((vector) =>
      vector ? [{ golden: vector.input }] : [],
    )
    const times: number[] = []
    while (times.length < MEASURED_RUNS) {
      const began = performance.now()
      const answers = await this.predict(asked)
      times.push(performance.now() - began)
      outputsOf(golden, answers)
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

  /** A test, or a measurement, is of a run and not of what is remembered. */
  #cacheFor(asked: Asked | undefined): AnswerCache | undefined {
    return !asked || 'golden' in asked || asked.isTest ? undefined : this.#cache
  }

  #keep(question: Asked | undefined, prepared: Prepared, answer: Predicted): void {
    const cache = this.#cacheFor(question)
    if (!cache || answer instanceof AfieldError) return
    cache.set(cacheKey(this.#codec.encode([prepared])), this.#shared(answer, prepared))
  }

  /** The answer to the same input, with what is this input's own. */
  #known(cache: AnswerCache, prepared: Prepared): Predicted | undefined {
    const answer = cache.get(cacheKey(this.#codec.encode([prepared])))
    if (!answer) return undefined
    const own = this.#codec.passThrough(prepared)
    return { ...answer, ...(own ? { outputs: { ...own, ...answer.outputs } } : {}), cached: true }
  }

  /** An answer without what is its input's own: the next with the same tensors may have none, or another. */
  #shared(answer: Answer, prepared: Prepared): Answer {
    const own = this.#codec.passThrough(prepared)
    if (!own) return answer
    const outputs = Object.entries(answer.outputs).filter(([name]) => !Object.hasOwn(own, name))
    return { ...answer, outputs: Object.fromEntries(outputs) }
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
