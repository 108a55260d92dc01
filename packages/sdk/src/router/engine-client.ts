import { AfieldError, errorFromData, type Answer as ModelAnswer, type ModelState } from '@afield/protocol'
import type { Answer, EngineUrls, FromEngine, Question, ToEngine } from '../engine/messages.js'
import type { AnsweringEngine } from './route.js'
import { toSendable } from './sendable.js'
import { startWorker, whyFailed } from './start-worker.js'

/** Questions packed into one message at most. */
const MAX_PACK = 1024

interface Waiting {
  readonly resolve: (answer: ModelAnswer) => void
  readonly reject: (error: AfieldError) => void
}

/**
 * The page's end of one engine. While the engine is busy, questions gather and travel together in one message and,
 * where the model allows it, one run; an idle engine is asked at once.
 */
export class EngineClient implements AnsweringEngine {
  readonly id: number
  /** The keeper's end of the supply port; handed out once. */
  readonly supply: MessagePort
  readonly gone: Promise<AfieldError | undefined>
  readonly #worker: Worker
  readonly #unanswered = new Map<number, Waiting>()
  #queue: Question[] = []
  #busy = false
  #closing = false
  #ended: AfieldError | undefined
  #nextId = 0
  #end: (error: AfieldError | undefined) => void = () => undefined

  constructor(id: number, script: URL, urls: EngineUrls) {
    const worker = startWorker(script, 'afield engine')
    this.id = id
    this.#worker = worker
    this.gone = new Promise((resolve) => (this.#end = resolve))
    const { port1, port2 } = new MessageChannel()
    this.supply = port2
    worker.addEventListener('message', ({ data }: MessageEvent<FromEngine>) => this.#settle(data.answers))
    worker.addEventListener('error', (event) => this.#crash(event, script))
    this.#post({ type: 'open', urls, supply: port1 }, [port1])
  }

  predict(input: unknown, state: ModelState | undefined): Promise<ModelAnswer> {
    const sendable = toSendable(input)
    if (sendable instanceof Promise) return sendable.then((ready) => this.#enqueue(ready, state))
    return this.#enqueue(sendable, state)
  }

  /** Ending the worker is what gives its memory back. */
  close(): void {
    this.#closing = true
    if (this.#unanswered.size === 0) this.#terminate(undefined)
  }

  /** Ends at once; what was not answered rejects with `closed`. */
  abandon(): void {
    this.#terminate(undefined)
  }

  #enqueue(input: unknown, state: ModelState | undefined): Promise<ModelAnswer> {
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const id = ++this.#nextId
      this.#unanswered.set(id, { resolve, reject })
      this.#queue.push(state === undefined ? { id, input } : { id, input, state })
      if (!this.#busy) this.#ask()
    })
  }

  #ask(): void {
    const questions = this.#queue.slice(0, MAX_PACK)
    if (questions.length === 0) return
    this.#queue = this.#queue.slice(MAX_PACK)
    this.#busy = true
    if (this.#send(questions)) return
    // One of them cannot be cloned; the others are asked all the same.
    const sent = questions.length > 1 ? questions.filter((question) => this.#send([question])) : []
    this.#busy = sent.length > 0
    for (const question of questions) {
      if (sent.includes(question)) continue
      this.#take(question.id)?.reject(
        new AfieldError(
          'input/invalid',
          'The input holds something that cannot be sent to a worker, such as a function.',
        ),
      )
    }
    if (!this.#busy) this.#ask()
  }

  /** False when the browser refuses to clone what a question holds. */
  #send(questions: readonly Question[]): boolean {
    try {
      this.#post({ type: 'predict', questions }, [])
      return true
    } catch (error) {
      if (error instanceof DOMException && error.name === 'DataCloneError') return false
      throw error
    }
  }

  #settle(answers: readonly Answer[]): void {
    this.#busy = false
    this.#ask()
    for (const answer of answers) {
      const waiting = this.#take(answer.id)
      if ('error' in answer) waiting?.reject(errorFromData(answer.error))
      else waiting?.resolve(answer.answer)
    }
    if (this.#closing && this.#unanswered.size === 0) this.#terminate(undefined)
  }

  #crash(event: ErrorEvent, script: URL): void {
    event.preventDefault()
    this.#terminate(
      new AfieldError(
        'engine/crashed',
        `The engine's worker failed: ${whyFailed(event, script)}. The next call starts another.`,
      ),
    )
  }

  #terminate(error: AfieldError | undefined): void {
    if (this.#ended) return
    this.#worker.terminate()
    const reason = error ?? new AfieldError('closed', 'The engine was closed.')
    this.#ended = reason
    this.#end(error)
    for (const { reject } of this.#unanswered.values()) reject(reason)
    this.#unanswered.clear()
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#unanswered.get(id)
    this.#unanswered.delete(id)
    return waiting
  }

  #post(message: ToEngine, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer)
  }
}
