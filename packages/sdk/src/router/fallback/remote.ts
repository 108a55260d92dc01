import { AfieldError, asAfieldError, errorFromData, type Answer } from '@afield/protocol'
import type { RemotePage, RemoteWorker } from '../../engine/remote/worker.js'
import { isUnsayable } from '../../engine/remote/unsayable.js'
import { aborted } from '../../abort.js'
import { engineUrls, remoteWorkerUrl } from '../../files.js'
import type { RemoteContract } from '../../keeper/engines/port.js'
import { connect, type Remote } from '../../remote.js'
import { Breaker } from '../breaker.js'
import { toSendable } from '../sendable.js'
import { startWorker, whyFailed } from '../start-worker.js'
import { isOfCall } from './blame.js'
import type { ChainAnswers, Question, RemoteAnswers } from './chain.js'
import type { RemoteOptions } from './options.js'
import { checkedHeaders, checkedTimeout, inferUrl } from './server-address.js'

/** A worker that is not asked for this long is ended. */
const IDLE_MS = 60_000
/** Questions that are sent to the worker together. */
const MAX_PACK = 1024

const MISSING = new AfieldError('internal/unexpected', 'An answer is missing.')

type Settled = Answer | AfieldError
type Answered = Pick<ChainAnswers, 'settled' | 'modelVersion'>

export interface RemoteFallbackOptions extends RemoteOptions {
  /** What the model is called here. */
  readonly name: string
  /** What is asked and answered. @throws AfieldError `model/not-found`, and why it cannot be had. */
  readonly contract: () => Promise<RemoteContract>
  readonly onRetired?: () => void
}

/** A call that waits, or is under way. */
interface Waiting {
  readonly questions: readonly Question[]
  readonly resolve: (answered: Answered) => void
  readonly reject: (error: unknown) => void
  /** Nobody waits for it any more. */
  isGone: boolean
}

/** Calls that are asked together. */
interface Pack {
  readonly calls: readonly Waiting[]
  isCounted: boolean
}

interface Started {
  readonly worker: Worker
  readonly remote: Remote<RemoteWorker>
  readonly ready: Promise<void>
  /** Rejects when the worker dies or is ended. */
  readonly gone: Promise<never>
  readonly end: (error: AfieldError) => void
}

/**
 * A model on a server, asked by a worker that knows the model's contract. While one request is under way, questions
 * gather and travel together in the next. After 5 failures in a row the server is left alone for a minute, or for as
 * long as it says.
 */
export class RemoteFallback implements RemoteAnswers {
  readonly breaker = new Breaker()
  readonly #options: RemoteFallbackOptions
  readonly #url: string
  readonly #timeoutMs: number
  #started: Started | undefined
  #queue: Waiting[] = []
  #underWay: Pack | undefined
  #idle: ReturnType<typeof setTimeout> | undefined
  #last: AfieldError | undefined
  #closed: AfieldError | undefined
  #isRetired = false

  /** @throws AfieldError `input/invalid`, naming the option. */
  constructor(options: RemoteFallbackOptions) {
    this.#options = options
    this.#url = inferUrl(options, options.name)
    this.#timeoutMs = checkedTimeout(options)
  }

  /** @throws AfieldError `remote/*`; `input/invalid` where it is a lone question that does not fit the contract. */
  async ask(questions: readonly Question[], signal: AbortSignal | undefined): Promise<Answered> {
    const isTry = this.breaker.state !== 'closed'
    if (!this.breaker.admits()) throw this.#unavailable()
    try {
      const answered = await this.#inTime(questions, signal)
      const failure = failureOf(answered)
      if (failure && !isOfCall(failure)) throw failure
      return answered
    } finally {
      // A try that was given up, or of which the server never heard, leaves the next to try.
      if (isTry) this.breaker.withdrawn()
    }
  }

  /** Answers what it was asked, then ends its worker at once: another is asked from now on. */
  retire(): void {
    this.#isRetired = true
    if (!this.#underWay) this.#rest()
    this.#options.onRetired?.()
  }

  close(error: AfieldError): void {
    this.#closed = error
    clearTimeout(this.#idle)
    this.#started?.end(error)
    for (const { reject } of this.#queue.splice(0)) reject(error)
  }

  /** One request counts once, however many calls it was for. */
  #count(pack: Pack, error: AfieldError | undefined): void {
    if (pack.isCounted) return
    pack.isCounted = true
    if (!error) return this.breaker.close()
    if (saysNothing(error)) return
    this.#last = error
    const { retryAfterMs } = error.details
    if (typeof retryAfterMs === 'number' && retryAfterMs > 0) this.breaker.open(retryAfterMs)
    else this.breaker.failed()
  }

  #unavailable(): AfieldError {
    const retryAfterMs = Math.ceil(this.breaker.retryAfterMs)
    const code = this.#last?.code ?? 'remote/unavailable'
    const message = `The remote fallback failed and is asked again in ${Math.ceil(retryAfterMs / 1000)} s.`
    return new AfieldError(code, message, { cause: this.#last, details: { retryAfterMs } })
  }

  async #inTime(questions: readonly Question[], signal: AbortSignal | undefined): Promise<Answered> {
    const ready = await Promise.all(questions.map(readyOf))
    const sendable = ready.flatMap((one) => (one instanceof AfieldError ? [] : [one]))
    const given = new Set(questions.map(({ input }) => input))
    const made = sendable.flatMap(({ input }) =>
      !given.has(input) && input instanceof ImageBitmap ? [input] : [],
    )
    /** With what could not even be sent, each in its place. */
    const whole = ({ settled, modelVersion }: Answered): Answered => {
      let at = 0
      const each = ready.map((one) => (one instanceof AfieldError ? one : (settled[at++] ?? MISSING)))
      return { settled: each, modelVersion }
    }
    if (sendable.length === 0) return whole({ settled: [], modelVersion: 'unknown' })
    const late = new AfieldError(
      'remote/timeout',
      `The remote fallback did not answer in ${this.#timeoutMs} ms.`,
    )
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { questions: sendable, resolve, reject, isGone: false }
      const leave = (error: AfieldError): void => {
        waiting.isGone = true
        this.#queue = this.#queue.filter((one) => one !== waiting)
        const pack = this.#underWay
        if (pack && error === late && pack.calls.includes(waiting)) this.#count(pack, late)
        if (pack?.calls.every(({ isGone }) => isGone)) void this.#started?.remote.stop()
        waiting.reject(error)
      }
      // The server's own time begins with its request; this one also bounds the wait for it.
      const timer = setTimeout(() => leave(late), this.#timeoutMs)
      const abort = (): void => leave(aborted(signal?.reason))
      signal?.addEventListener('abort', abort)
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        for (const bitmap of made) bitmap.close()
      }
      Object.assign(waiting, {
        resolve: (answered: Answered) => {
          done()
          resolve(whole(answered))
        },
        reject: (error: unknown) => {
          done()
          reject(error)
        },
      })
      if (signal?.aborted) return abort()
      this.#queue.push(waiting)
      if (!this.#underWay) void this.#pump()
    })
  }

  async #pump(): Promise<void> {
    clearTimeout(this.#idle)
    while (this.#queue.length > 0) {
      const pack: Pack = { calls: this.#nextPack(), isCounted: false }
      this.#underWay = pack
      await this.#send(pack)
    }
    this.#underWay = undefined
    if (this.#closed) return
    if (this.#isRetired) this.#rest()
    else this.#idle = setTimeout(() => this.#rest(), IDLE_MS)
  }

  #rest(): void {
    clearTimeout(this.#idle)
    this.#started?.end(new AfieldError('closed', 'The remote fallback rests.'))
  }

  /** Whole calls, as many as fit; at least one. */
  #nextPack(): readonly Waiting[] {
    let questions = 0
    const fits = this.#queue.findIndex((one, i) => (questions += one.questions.length) > MAX_PACK && i > 0)
    return this.#queue.splice(0, fits < 0 ? this.#queue.length : fits)
  }

  /** Settles every call of the pack. */
  async #send(pack: Pack): Promise<void> {
    const { calls } = pack
    try {
      if (this.#closed) throw this.#closed
      const answered = await this.#exchange(calls)
      if (!answered) return await this.#sendApart(calls)
      this.#count(pack, failureOf(answered))
      let from = 0
      for (const { questions, resolve } of calls) {
        const settled = answered.settled.slice(from, (from += questions.length))
        resolve({ settled, modelVersion: answered.modelVersion })
      }
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'The remote fallback could not be asked')
      this.#count(pack, error)
      for (const { reject } of calls) reject(error)
    }
  }

  /** `undefined` where something among the questions cannot be sent to a worker. */
  async #exchange(calls: readonly Waiting[]): Promise<Answered | undefined> {
    const started = (this.#started ??= this.#start())
    await Promise.race([started.ready, started.gone])
    if (calls.every(({ isGone }) => isGone)) throw aborted(undefined)
    const asking = started.remote.ask(calls.flatMap(({ questions }) => questions))
    const asked = asking.catch((cause: unknown) => {
      if (!(cause instanceof DOMException)) throw cause
      return undefined
    })
    const answered = await Promise.race([asked, started.gone])
    return (
      answered && {
        settled: answered.settled.map((one): Settled => ('error' in one ? errorFromData(one.error) : one)),
        modelVersion: answered.version ?? 'unknown',
      }
    )
  }

  /** What cannot be sent fails alone. */
  async #sendApart(calls: readonly Waiting[]): Promise<void> {
    const [first, ...others] = calls
    if (others.length === 0) {
      const message = 'The input holds something that cannot be sent to a worker. Give a plain copy.'
      first?.reject(new AfieldError('input/invalid', message, { details: { problem: 'mistyped' } }))
      return
    }
    for (const call of calls) {
      const alone: Pack = { calls: [call], isCounted: false }
      this.#underWay = alone
      await this.#send(alone)
    }
  }

  #start(): Started {
    const { contract, headers } = this.#options
    const script = remoteWorkerUrl()
    const worker = startWorker(script, 'afield remote fallback')
    const remote = connect<RemoteWorker>(worker, {
      headers: async () => checkedHeaders(await headers?.()),
    } satisfies RemotePage)
    let end: Started['end'] = () => undefined
    const gone = new Promise<never>((_, reject) => {
      end = (error) => {
        if (this.#started?.worker === worker) this.#started = undefined
        worker.terminate()
        reject(error)
      }
    })
    gone.catch(() => undefined)
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      end(
        new AfieldError(
          'remote/unavailable',
          `The remote fallback's worker failed: ${whyFailed(event, script)}.`,
        ),
      )
    })
    const server = {
      url: this.#url,
      timeoutMs: this.#timeoutMs,
      asksHeaders: headers !== undefined,
      kinds: engineUrls().kinds,
    }
    const ready = contract().then((model) => remote.open(model, server))
    // Without a contract there is nothing to wait for: the next call asks for one again.
    ready.catch((cause: unknown) => end(asAfieldError(cause, 'internal/unexpected', 'There is no contract')))
    return { worker, remote, ready, gone, end }
  }
}

/** As it can be sent, or why it cannot: that costs no other its answer. */
async function readyOf(question: Question): Promise<Question | AfieldError> {
  try {
    return { ...question, input: await toSendable(question.input) }
  } catch (cause) {
    return asAfieldError(cause, 'internal/unexpected', 'The input could not be sent')
  }
}

/** Why an answer is none: all that it holds are failures, of which those of the server say most. */
function failureOf({ settled }: Answered): AfieldError | undefined {
  const failures = settled.filter((one) => one instanceof AfieldError)
  if (failures.length < settled.length) return undefined
  return (
    failures.find((error) => !saysNothing(error)) ?? failures.find((error) => !isOfCall(error)) ?? failures[0]
  )
}

/** An input that is at fault, or a call that was given up, says nothing of the server. */
function saysNothing(error: AfieldError): boolean {
  return isOfCall(error) || isUnsayable(error)
}
