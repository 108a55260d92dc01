import { AfieldError, asAfieldError, errorFromData, type Answer as ModelAnswer } from '@afield/protocol'
import { aborted } from '../abort.js'
import type {
  Answer,
  Asked,
  EngineReport,
  EngineUrls,
  FromEngine,
  Question,
  ToEngine,
} from '../engine/messages.js'
import type { AnsweringEngine } from './route.js'
import { readied, unsendable, type Ready } from './ready.js'
import { startWorker, whyFailed } from './start-worker.js'

/** Questions packed into one message at most. */
const MAX_PACK = 1024
/** An engine that is ended tells what it counted, if it can, within this time. */
const LAST_WORD_MS = 1000

/** What became of one question. */
export type Settled = ModelAnswer | AfieldError

interface Queued {
  readonly question: Question
  readonly bitmap: ImageBitmap | undefined
}

interface Pending {
  readonly id: number
  readonly answer: Promise<ModelAnswer>
}

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
  /** Hears what the engine tells of itself. */
  onReport: ((report: EngineReport) => void) | undefined
  readonly #worker: Worker
  readonly #unanswered = new Map<number, Waiting>()
  #queue: Queued[] = []
  #busy = false
  #closing = false
  #ended: AfieldError | undefined
  #nextId = 0
  /** Calls whose inputs are being made ready to be sent: closing waits for them as for what was asked. */
  #readying = 0
  #end: (error: AfieldError | undefined) => void = () => undefined

  constructor(id: number, script: URL, urls: EngineUrls) {
    const worker = startWorker(script, 'afield engine')
    this.id = id
    this.#worker = worker
    this.gone = new Promise((resolve) => (this.#end = resolve))
    const { port1, port2 } = new MessageChannel()
    this.supply = port2
    worker.addEventListener('message', ({ data }: MessageEvent<FromEngine>) => {
      if (data.type === 'answers') this.#settle(data.answers)
      if (data.type !== 'report') return
      this.onReport?.(data.report)
      if (this.#ended) worker.terminate()
    })
    worker.addEventListener('error', (event) => this.#crash(event, script))
    this.#post({ type: 'open', urls, supply: port1 }, [port1])
  }

  predict(asked: Asked, signal: AbortSignal | undefined): Promise<ModelAnswer> {
    const ready = readied(asked)
    if (signal || ready instanceof Promise) {
      return this.#askAll([Promise.resolve(ready)], signal).then(([only]) => answerOf(only))
    }
    const { answer } = this.#enqueue(ready)
    if (!this.#busy) this.#ask()
    return answer
  }

  predictMany(asked: readonly Asked[], signal: AbortSignal | undefined): Promise<readonly Settled[]> {
    return this.#askAll(
      asked.map(async (one) => readied(one)),
      signal,
    )
  }

  /** Has it tell of itself. */
  report(): void {
    this.#post({ type: 'report' }, [])
  }

  /** Questions that were not sent yet. */
  get waiting(): number {
    return this.#queue.length
  }

  get running(): number {
    return this.#unanswered.size - this.#queue.length
  }

  /** Ending the worker is what gives its memory back. */
  close(): void {
    this.#closing = true
    this.#endIfDone()
  }

  /** Ends at once; what was not answered rejects with `closed`. */
  abandon(): void {
    this.#terminate(undefined)
  }

  /** Asks everything at once; an input that could not be made ready fails alone. */
  async #askAll(
    asked: readonly Promise<Ready>[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Settled[]> {
    this.#readying += 1
    const ready = await Promise.allSettled(asked)
    this.#readying -= 1
    const pending = ready.map((one): Pending =>
      one.status === 'fulfilled' ? this.#enqueue(one.value) : { id: 0, answer: Promise.reject(one.reason) },
    )
    const withdraw = (): void => this.#withdraw(new Set(pending.map(({ id }) => id)), aborted(signal?.reason))
    signal?.addEventListener('abort', withdraw)
    if (signal?.aborted) withdraw()
    if (!this.#busy) this.#ask()
    this.#endIfDone()
    const settled = await Promise.allSettled(pending.map(({ answer }) => answer))
    signal?.removeEventListener('abort', withdraw)
    return settled.map((one) =>
      one.status === 'fulfilled'
        ? one.value
        : asAfieldError(one.reason, 'internal/unexpected', 'The input could not be sent'),
    )
  }

  #enqueue({ asked, bitmap }: Ready): Pending {
    const id = ++this.#nextId
    if (this.#ended) {
      bitmap?.close()
      return { id, answer: Promise.reject(this.#ended) }
    }
    this.#queue.push({ question: { id, ...asked }, bitmap })
    return {
      id,
      answer: new Promise((resolve, reject) => this.#unanswered.set(id, { resolve, reject })),
    }
  }

  /** What was not sent yet is not asked any more. */
  #withdraw(ids: ReadonlySet<number>, reason: AfieldError): void {
    const withdrawn = this.#queue.filter(({ question }) => ids.has(question.id))
    this.#queue = this.#queue.filter(({ question }) => !ids.has(question.id))
    for (const unsent of withdrawn) this.#drop(unsent, reason)
  }

  #ask(): void {
    const pack = this.#queue.slice(0, MAX_PACK)
    if (pack.length === 0) return
    this.#queue = this.#queue.slice(MAX_PACK)
    this.#busy = true
    if (this.#send(pack)) return
    // One of them cannot be cloned; the others are asked all the same.
    const sent = pack.length > 1 ? pack.filter((queued) => this.#send([queued])) : []
    this.#busy = sent.length > 0
    for (const queued of pack) {
      if (!sent.includes(queued)) this.#drop(queued, unsendable(queued.bitmap))
    }
    if (!this.#busy) this.#ask()
  }

  #drop({ question, bitmap }: Queued, reason: AfieldError): void {
    bitmap?.close()
    this.#take(question.id)?.reject(reason)
  }

  /** False when what a question holds cannot be cloned, or throws when it is read: that would name what it holds. */
  #send(pack: readonly Queued[]): boolean {
    try {
      this.#post(
        { type: 'predict', questions: pack.map(({ question }) => question) },
        pack.flatMap(({ bitmap }) => bitmap ?? []),
      )
      return true
    } catch {
      return false
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
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#closing && this.#unanswered.size === 0 && this.#readying === 0) this.#terminate(undefined)
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
    const terminate = (): void => this.#worker.terminate()
    if (error) terminate()
    else {
      this.report()
      setTimeout(terminate, LAST_WORD_MS)
    }
    const reason = error ?? new AfieldError('closed', 'The engine was closed.')
    this.#ended = reason
    this.#end(error)
    for (const { bitmap } of this.#queue.splice(0)) bitmap?.close()
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

function answerOf(settled: Settled | undefined): ModelAnswer {
  if (settled && !(settled instanceof AfieldError)) return settled
  throw settled ?? new AfieldError('internal/unexpected', 'An answer is missing.')
}
