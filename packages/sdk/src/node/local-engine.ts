import { AfieldError, asAfieldError, type Answer } from '@afield/protocol'
import { kindsFrom } from '../engine/kinds.js'
import type { Asked } from '../engine/messages.js'
import { Session } from '../engine/session.js'
import { engineUrls } from '../files.js'
import type { Engine, EngineModel } from '../keeper/ports.js'
import type { AnsweringEngine } from '../router/route.js'

/** A session in this process behind the same two faces that an engine's worker has. */
export class LocalEngine implements Engine, AnsweringEngine {
  readonly id: number
  readonly gone: Promise<AfieldError | undefined>
  #end: (error: AfieldError | undefined) => void = () => undefined
  #session: Session | undefined
  #running: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(id: number) {
    this.id = id
    this.gone = new Promise((resolve) => (this.#end = resolve))
  }

  async load(model: EngineModel): Promise<void> {
    const session = await Session.create(model, kindsFrom(engineUrls().kinds))
    if (this.#closed) {
      await session.release()
      throw new AfieldError('closed', 'The engine was closed.')
    }
    this.#session = session
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
    if (!this.#session) throw new AfieldError('engine/crashed', 'This engine has no model. Load it again.')
    const run = this.#session.predict(questions)
    this.#running = run
    return run
  }

  close(): void {
    this.#closed = true
    const session = this.#session
    this.#session = undefined
    void this.#running.then(() => session?.release()).then(() => this.#end(undefined))
  }
}
