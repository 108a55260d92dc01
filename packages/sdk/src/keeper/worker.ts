import {
  AfieldError,
  errorFromData,
  errorToData,
  type ErrorCode,
  type ErrorData,
  type FunnelStep,
} from '@afield/protocol'
import { connect, transferring } from '../remote.js'
import type { Supply } from '../engine/worker.js'
import { FORMAT, openStores, retireOlder } from './adapters/indexeddb.js'
import { localLocks, silentChannel, systemClock } from './adapters/memory.js'
import type { GoldenQuestion, ListedVersion } from './catalogue.js'
import type { EngineCalls, Load, OpenEngineCalls, RemoteContract } from './engines/port.js'
import type { Facts } from './facts.js'
import type { CheckReport } from './following.js'
import { Keeper, type Marks, type Usage } from './keeper.js'
import { browserQuota, connectionOf, hardwareOf } from './adapters/browser.js'
import type { KeeperOptions } from './rooms.js'
import type { LoadRequest } from './routes.js'
import type { Stored } from './shelf.js'
import type { Step } from './steps.js'
import type { Observation, OpenTelemetry, TelemetryReport } from './telemetry/port.js'
import type {
  Channel,
  ChannelMessage,
  DownloadRequest,
  Engine,
  EngineModel,
  EngineWanted,
  Host,
  KeeperEvent,
  Locks,
  LogLevel,
  Ports,
  Served,
  Terms,
} from './ports.js'

/** What the page gives the keeper: the places that only a page has. All calls cross a worker boundary. */
export interface PageHost {
  /** Starts an engine and gives the keeper the other end of its supply port. */
  openEngine(wanted: EngineWanted): Promise<{ readonly id: number; readonly supply: MessagePort }>
  /** Resolves when the engine is gone: with why it died, or with nothing when it was closed. */
  engineGone(id: number): Promise<ErrorData | undefined>
  closeEngine(id: number): void
  serve(route: string, engineId: number, served: Served, terms: Terms): Promise<boolean>
  refuse(route: string, error: ErrorData): Promise<void>
  emit(event: KeeperEvent): void
  count(served: Served, step: FunnelStep, error: ErrorCode | undefined): void
  askDownload(request: DownloadRequest): Promise<boolean>
  atStep(step: Step): Promise<void>
  log(level: LogLevel, message: string, error: ErrorData | undefined): void
}

export interface KeeperInit extends KeeperOptions {
  /** Where the code of telemetry is. */
  readonly telemetryUrl: string
  /** Where the code for further engines is. */
  readonly engineCallsUrl: string
  readonly namespace: string
  readonly runtime: string
  readonly browserBuild: string
  readonly device: 'desktop' | 'mobile' | 'other'
  /** Whether the app gave the functions; else the page is not called for nothing. */
  readonly asksDownload: boolean
  readonly tellsSteps: boolean
}

/** What the page may ask of the keeper's worker: `open` first, then anything else. */
export interface KeeperWorker {
  open(init: KeeperInit): Promise<void>
  adoptMarks(marks: Marks): Promise<void>
  /** @param task names the call, so that `cancel` can abort it. */
  load(model: string, request: LoadRequest, task: number): Promise<Served>
  check(task: number): Promise<CheckReport>
  cancel(task: number): void
  recover(route: string): Promise<void>
  follow(): Promise<void>
  wake(): Promise<void>
  explain(route: string): Promise<Facts>
  versions(model: string): Promise<readonly ListedVersion[]>
  golden(route: string): Promise<GoldenQuestion>
  storage(): Promise<Stored>
  usage(model: string): Promise<Usage>
  remove(model: string, options: { readonly version?: string | undefined }): Promise<void>
  observe(observations: readonly Observation[]): Promise<void>
  telemetry(): Promise<TelemetryReport>
  flush(): Promise<void>
  /** See {@link EngineCalls} for these five. */
  grow(route: string): Promise<number | undefined>
  consider(route: string, load: Load): Promise<number>
  demote(route: string, error: ErrorData): Promise<void>
  doubt(route: string, error: ErrorData, sustained: boolean): Promise<void>
  remoteContract(route: string): Promise<RemoteContract>
  close(): Promise<void>
}

/** The composition root: the only place that knows it runs in a browser. */
async function openKeeper(init: KeeperInit): Promise<Keeper> {
  const log = (level: LogLevel, message: string, error?: AfieldError): void =>
    void page.log(level, message, error && errorToData(error))
  const { state, blobs } = await openStores(init.namespace, log)
  const ports: Ports = {
    fetch: (url, request) => fetch(url, request),
    clock: systemClock,
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    state,
    blobs,
    // Tabs share a store or have nothing to share; browsers that refuse the one refuse these too.
    ...(state.kind === 'memory'
      ? { locks: localLocks(), channel: silentChannel() }
      : { locks: webLocks(init.namespace), channel: broadcastChannel(init.namespace) }),
    log,
    host: hostOf(init.asksDownload),
    quota: browserQuota,
    ...(state.kind === 'memory' ? {} : { retireOlder: () => retireOlder(init.namespace) }),
    connection: connectionOf(navigator),
    hardware: hardwareOf(navigator),
    ...(init.tellsSteps ? { atStep: (step: Step) => page.atStep(step) } : {}),
    loadTelemetry: (attempt) => importDefault<OpenTelemetry>(init.telemetryUrl, attempt),
    loadEngineCalls: (attempt) => importDefault<OpenEngineCalls>(init.engineCallsUrl, attempt),
    platform: {
      runtime: init.runtime,
      browserBuild: init.browserBuild,
      device: init.device,
      memoryGiB: (navigator as { readonly deviceMemory?: number }).deviceMemory,
    },
  }
  return new Keeper(ports, init)
}

let keeper: Promise<Keeper> | undefined
const tasks = new Map<number, AbortController>()

function opened(): Promise<Keeper> {
  return keeper ?? Promise.reject(new AfieldError('closed', 'The keeper was not opened.'))
}

async function engineCalls(): Promise<EngineCalls> {
  return (await opened()).engineCalls()
}

async function cancellable<T>(
  task: number,
  run: (keeper: Keeper, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  tasks.set(task, controller)
  try {
    return await run(await opened(), controller.signal)
  } finally {
    tasks.delete(task)
  }
}

const page = connect<PageHost>(globalThis, {
  open: async (init) => {
    keeper = openKeeper(init)
    await keeper
  },
  adoptMarks: async (marks) => (await opened()).adoptMarks(marks),
  load: (model, request, task) => cancellable(task, (it, signal) => it.load(model, request, signal)),
  check: (task) => cancellable(task, (it, signal) => it.check(signal)),
  cancel: (task) => tasks.get(task)?.abort(),
  recover: async (route) => (await opened()).recover(route),
  follow: async () => (await opened()).follow(),
  wake: async () => (await opened()).wake(),
  explain: async (route) => (await opened()).explain(route),
  versions: async (model) => (await opened()).versions(model),
  golden: async (route) => (await opened()).golden(route),
  storage: async () => (await opened()).storage(),
  usage: async (model) => (await opened()).usage(model),
  remove: async (model, options) => (await opened()).remove(model, options),
  observe: async (observations) => (await opened()).observe(observations),
  telemetry: async () => (await opened()).telemetry(),
  flush: async () => (await opened()).flush(),
  grow: async (route) => (await engineCalls()).grow(route),
  consider: async (route, load) => (await engineCalls()).consider(route, load),
  demote: async (route, error) => (await engineCalls()).demote(route, errorFromData(error)),
  doubt: async (route, error, sustained) =>
    (await engineCalls()).doubt(route, errorFromData(error), sustained),
  remoteContract: async (route) => (await engineCalls()).remoteContract(route),
  close: async () => (await opened()).close(),
} satisfies KeeperWorker)

function hostOf(asksDownload: boolean): Host {
  return {
    openEngine: async (wanted): Promise<Engine> => {
      const { id, supply } = await page.openEngine(wanted)
      const engine = connect<Supply>(supply, {})
      supply.start()
      const gone = page.engineGone(id).then((error): never => {
        throw error ? errorFromData(error) : new AfieldError('closed', 'The engine was closed.')
      })
      // Heard only while a load waits for it.
      gone.catch(() => undefined)
      return {
        id,
        // A dead worker never answers, so its death is awaited beside the answer.
        load: (model) => Promise.race([engine.load(transferring(model, buffersOf(model))), gone]),
        measure: (together, selfTest) => Promise.race([engine.measure(together, selfTest), gone]),
        close: () => {
          supply.close()
          void page.closeEngine(id)
        },
      }
    },
    serve: async (route, engineId, served, terms) => page.serve(route, engineId, served, terms),
    refuse: async (route, error) => page.refuse(route, error),
    emit: (event) => void page.emit(event),
    count: async (served, step, error) => page.count(served, step, error),
    ...(asksDownload ? { askDownload: (request) => page.askDownload(request) } : {}),
  }
}

async function importDefault<T>(url: string, attempt: number): Promise<T> {
  // Browsers of before mid-2026 remember, by the whole URL, that an import failed (whatwg/html#10327).
  const again = attempt > 0 ? `#${attempt}` : ''
  const module = (await import(/* @vite-ignore */ url + again)) as { readonly default: T }
  return module.default
}

function buffersOf({ bytes, externalData }: EngineModel): ArrayBuffer[] {
  return [bytes, ...externalData.map(({ data }) => data)].map(({ buffer }) => buffer)
}

/** Without a secure context there are no Web Locks; then tabs may repeat each other's work, and no more. */
function webLocks(namespace: string): Locks {
  if (!('locks' in navigator)) return localLocks()
  return {
    hold: async (name, task, signal) =>
      navigator.locks.request(`afield-${FORMAT}-${namespace} ${name}`, signal ? { signal } : {}, task),
  }
}

function broadcastChannel(namespace: string): Channel {
  const channel = new BroadcastChannel(`afield-${FORMAT}-${namespace}`)
  return {
    post: (message) => channel.postMessage(message),
    subscribe: (listener) => {
      channel.onmessage = ({ data }: MessageEvent<ChannelMessage>) => listener(data)
    },
    close: () => channel.close(),
  }
}
