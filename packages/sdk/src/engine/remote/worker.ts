import { AfieldError, errorToData, type Answer, type ErrorData } from '@afield/protocol'
import type { RemoteContract } from '../../keeper/engines/port.js'
import { connect } from '../../remote.js'
import { kindsFrom } from '../kinds.js'
import type { KindUrls } from '../messages.js'
import { RemoteAsker, type RemoteQuestion } from './asker.js'

/** What the page may ask of an engine whose model runs on a server: `open` first. */
export interface RemoteWorker {
  /** @throws AfieldError `descriptor/invalid`, `platform/unsupported`, `engine/runtime-unavailable`. */
  open(model: RemoteContract, server: RemoteServer): Promise<void>
  /** One at a time. */
  ask(questions: readonly RemoteQuestion[]): Promise<Asked>
  /** Nobody waits for what is under way. */
  stop(): void
}

/** What the worker may ask of the page: functions stay there. */
export interface RemotePage {
  headers(): Promise<Readonly<Record<string, string>>>
}

export interface RemoteServer {
  /** Of its `infer`. */
  readonly url: string
  readonly timeoutMs: number
  /** Whether the app gave a hook for headers. */
  readonly asksHeaders: boolean
  readonly kinds: KindUrls
}

export interface Asked {
  readonly settled: readonly (Answer | { readonly error: ErrorData })[]
  readonly version: string | undefined
}

let opened: { readonly asker: RemoteAsker; readonly server: RemoteServer } | undefined
let underWay = new AbortController()

const page = connect<RemotePage>(globalThis, {
  open: async (model, server) => {
    opened = { asker: await RemoteAsker.create(model, kindsFrom(server.kinds)), server }
  },
  ask: async (questions) => {
    if (!opened) throw new AfieldError('closed', 'The remote fallback was not opened.')
    const { asker, server } = opened
    const controller = new AbortController()
    underWay = controller
    const late = new AfieldError(
      'remote/timeout',
      `The remote fallback did not answer in ${server.timeoutMs} ms.`,
    )
    const timer = setTimeout(() => controller.abort(late), server.timeoutMs)
    try {
      const { settled, version } = await asker.ask(questions, {
        url: server.url,
        headers: server.asksHeaders ? () => page.headers() : undefined,
        signal: controller.signal,
      })
      const answers = settled.map((one) => (one instanceof AfieldError ? { error: errorToData(one) } : one))
      return { settled: answers, version }
    } finally {
      clearTimeout(timer)
    }
  },
  stop: () => underWay.abort(new AfieldError('aborted', 'The call was aborted.')),
} satisfies RemoteWorker)
