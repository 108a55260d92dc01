import { AfieldError } from '@afield/protocol'
import { abortable, throwIfAborted } from '../abort.js'
import { keeperWorkerUrl } from '../files.js'
import type { Logger } from '../keeper/ports.js'
import type { KeeperInit, KeeperWorker, PageHost } from '../keeper/worker.js'
import type { Background } from './background.js'
import { connect, type Remote } from '../remote.js'
import { Lifeline } from './lifeline.js'
import type { PageMarks } from './marks.js'
import { startWorker, whyFailed } from './start-worker.js'

export type RemoteKeeper = Remote<KeeperWorker>

interface StartedKeeper {
  readonly worker: Worker
  readonly remote: RemoteKeeper
}

export interface KeeperClientOptions {
  readonly init: KeeperInit
  /** What the keeper may do on this page. */
  readonly host: PageHost
  readonly marks: PageMarks
  /** What the app calls: ends when Afield is closed, or with the keeper. */
  readonly calls: Lifeline
  readonly background: Background
  readonly log: Logger
}

/** The page's end of the keeper's worker. */
export class KeeperClient {
  /** The worker's own, which closing still needs after the app's calls have ended. */
  readonly life = new Lifeline()
  readonly #options: KeeperClientOptions
  #started: StartedKeeper | undefined
  #lastTask = 0

  constructor(options: KeeperClientOptions) {
    this.#options = options
  }

  get isStarted(): boolean {
    return this.#started !== undefined
  }

  /** Started by the first call that needs it; a `load()` starts its engine first, which has the longer way to go. */
  get remote(): RemoteKeeper {
    this.#started ??= this.#start()
    return this.#started.remote
  }

  start(): void {
    this.#started ??= this.#start()
  }

  /** What a call of the app asks. */
  ask<T>(call: (keeper: RemoteKeeper) => Promise<T>): Promise<T> {
    return this.#options.calls.hold(() => call(this.remote))
  }

  /** Asks until the signal says that nobody wants to know. */
  async cancellable<T>(
    signal: AbortSignal | undefined,
    call: (keeper: RemoteKeeper, task: number) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal)
    const task = ++this.#lastTask
    const abort = (): void => this.#options.background.run(() => this.remote.cancel(task))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await abortable(
        this.ask((keeper) => call(keeper, task)),
        signal,
      )
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Ends the worker at once. */
  end(error: AfieldError): void {
    this.life.cut(error)
    this.#started?.worker.terminate()
  }

  #start(): StartedKeeper {
    const { init, host, marks, background } = this.#options
    const script = keeperWorkerUrl()
    const worker = startWorker(script, 'afield keeper')
    const remote = connect<KeeperWorker>(worker, host)
    worker.addEventListener('error', (event) => this.#died(event, script))
    background.run(() => remote.open(init))
    background.run(async () => {
      const left = marks.read()
      if (left.closedLives.length === 0) return
      await remote.adoptMarks(left)
      marks.forget(left.closedLives)
    })
    return { worker, remote }
  }

  #died(event: ErrorEvent, script: URL): void {
    event.preventDefault()
    const { calls, log } = this.#options
    const what = whyFailed(event, script)
    const error = new AfieldError(
      'internal/unexpected',
      `Afield's keeper worker failed: ${what}. Reload the page.`,
    )
    log('error', error.message, error)
    calls.cut(error)
    this.life.cut(error)
  }
}
