import { AfieldError, asAfieldError } from '@afield/protocol'
import { kindsFrom } from '../engine/kinds.js'
import type { EngineFacts } from '../engine/messages.js'
import { Predictor, type Hear } from '../engine/predictor.js'
import { engineUrls } from '../files.js'
import type { Engine, EngineModel } from '../keeper/ports.js'
import type { Call } from '../router/call.js'
import type { EngineSet } from '../router/engine-set.js'
import type { Member } from '../router/member.js'
import type { Pack } from '../router/pack.js'

const NO_MODEL = new AfieldError('engine/crashed', 'This engine has no model. Load it again.')

/** A session in this process behind the same two faces that an engine's worker has. */
export class LocalEngine implements Engine, Member {
  readonly id: number
  readonly gone: Promise<AfieldError | undefined>
  readonly sharesRuns = false
  owner: EngineSet | undefined
  #end: (error: AfieldError | undefined) => void = () => undefined
  #predictor: Predictor | undefined
  #running: Promise<unknown> = Promise.resolve()
  #hasEnded = false
  #kept = 0

  constructor(id: number) {
    this.id = id
    this.gone = new Promise((resolve) => (this.#end = resolve))
  }

  async load(model: EngineModel): Promise<EngineFacts> {
    const predictor = await Predictor.create(model, kindsFrom(engineUrls().kinds))
    if (this.#hasEnded) {
      await predictor.release()
      throw new AfieldError('closed', 'The engine was closed.')
    }
    predictor.keepAnswers(this.#kept)
    this.#predictor = predictor
    return predictor.facts
  }

  /** Begins after whoever asked is done, as a worker does. */
  send(pack: Pack): boolean {
    this.#running = this.#running.then(() => this.#answer(pack))
    return true
  }

  keepAnswers(count: number): void {
    this.#kept = count
    this.#predictor?.keepAnswers(count)
  }

  async measure(together: number, selfTest?: unknown): Promise<number> {
    if (!this.#predictor) throw NO_MODEL
    return this.#predictor.measure(together, selfTest)
  }

  close(): void {
    if (this.owner) this.owner.retire()
    else this.end(undefined)
  }

  end(error: AfieldError | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const predictor = this.#predictor
    this.#predictor = undefined
    this.#end(error)
    void this.#running.then(() => predictor?.release())
  }

  async #answer(pack: Pack): Promise<void> {
    if (this.#hasEnded) return
    const { calls } = pack
    const began = performance.now()
    const answers = await this.#predict(calls, () => pack.goesOn([]))
    // Meanwhile ended: somebody else answers, or nobody.
    if (this.#hasEnded) return
    pack.done(performance.now() - began)
    for (const [i, call] of calls.entries()) {
      const answer = answers[i] ?? NO_MODEL
      if (answer instanceof AfieldError) call.fail(answer)
      else call.settle(answer)
    }
  }

  async #predict(calls: readonly Call[], hear: Hear): ReturnType<Predictor['predict']> {
    try {
      const asked = calls.map(({ asked: one, sendable }) =>
        'golden' in one ? one : { ...one, input: sendable },
      )
      return (await this.#predictor?.predict(asked, hear)) ?? []
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'The session failed')
      return calls.map(() => error)
    }
  }
}
