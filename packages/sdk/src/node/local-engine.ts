import { AfieldError, asAfieldError, type Answer } from '@afield/protocol'
import { kindsFrom } from '../engine/kinds.js'
import type { Asked, EngineFacts } from '../engine/messages.js'
import { Predictor } from '../engine/predictor.js'
import { engineUrls } from '../files.js'
import type { Engine, EngineModel } from '../keeper/ports.js'
import type { AnsweringEngine } from '../router/route.js'

/** A session in this process behind the same two faces that an engine's worker has. */
export class LocalEngine implements Engine, AnsweringEngine {
  readonly id: number
  readonly gone: Promise<AfieldError | undefined>
  #end: (error: AfieldError | undefined) => void = () => undefined
  #predictor: Predictor | undefined
  #running: Promise<unknown> = Promise.resolve()
  #closed = false

  /** Each is asked at once, and nobody asks how many there are. */
  readonly waiting = 0
  readonly running = 0

  constructor(id: number) {
    this.id = id
    this.gone = new Promise((resolve) => (this.#end = resolve))
  }

  async load(model: EngineModel): Promise<EngineFacts> {
    const predictor = await Predictor.create(model, kindsFrom(engineUrls().kinds))
    if (this.#closed) {
      await predictor.release()
      throw new AfieldError('closed', 'The engine was closed.')
    }
    this.#predictor = predictor
    return predictor.facts
  }

  async predict(asked: Asked): Promise<Answer> {
    const [answer] = await this.predictMany([asked])
    if (!answer || answer instanceof AfieldError) {
      throw asAfieldError(answer, 'internal/unexpected', 'An answer is missing')
    }
    return answer
  }

  /** One run, which nothing interrupts. */
  async predictMany(questions: readonly Asked[]): Promise<readonly (Answer | AfieldError)[]> {
    if (!this.#predictor) throw new AfieldError('engine/crashed', 'This engine has no model. Load it again.')
    const run = this.#predictor.predict(questions)
    this.#running = run
    return run
  }

  async measure(together: number): Promise<number> {
    if (!this.#predictor) throw new AfieldError('engine/crashed', 'This engine has no model. Load it again.')
    return this.#predictor.measure(together)
  }

  close(): void {
    this.#closed = true
    const predictor = this.#predictor
    this.#predictor = undefined
    void this.#running.then(() => predictor?.release()).then(() => this.#end(undefined))
  }
}
