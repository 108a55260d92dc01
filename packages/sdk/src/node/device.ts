import { AfieldError, asAfieldError, errorFromData, utf8, type ErrorData } from '@afield/protocol'
import type {
  AfieldOptions,
  AfieldTelemetryOptions,
  ModelInput,
  PinnedModel,
  PredictManyOptions,
  PredictOptions,
  Prediction,
  Predictions,
  ServingOptions,
} from '../api.js'
import { RUNTIME } from '../engine/runtime.js'
import { localLocks, memoryStore, silentChannel, systemClock } from '../keeper/adapters/memory.js'
import { CHECK_EVERY_MS } from '../keeper/defaults.js'
import type { ListedVersion } from '../keeper/catalogue.js'
import { Keeper } from '../keeper/keeper.js'
import type {
  Clock,
  Connection,
  Fetch,
  KeeperEvent,
  KeyValueStore,
  Locks,
  Logger,
  Quota,
  Served,
} from '../keeper/ports.js'
import { randomName } from '../keeper/random-name.js'
import type { TelemetryReport } from '../keeper/telemetry/port.js'
import { Observer } from '../router/observer.js'
import { Route } from '../router/route.js'
import { SDK_VERSION } from '../version.js'
import { explain, type Explanation } from '../words/explain.js'
import { describeStorage, type StorageReport } from '../words/storage.js'
import { LocalEngine } from './local-engine.js'

export interface DeviceOptions extends Pick<
  AfieldOptions,
  'atStep' | 'downloads' | 'maxDownloadBytes' | 'onDownload' | 'policy' | 'seed'
> {
  readonly repository: string
  /** The repository's `1.root.json` as text. */
  readonly root: string
  /** Looks for news by itself this often once a model is loaded; default: only when told to. */
  readonly checkEveryMs?: number
  readonly telemetry?: AfieldTelemetryOptions
  /** What outlives the device object, so that a test can kill it and start it anew; default fresh memory. */
  readonly storage?: DeviceStorage
  /** Shared by devices that stand for tabs of one origin, as `storage` is. */
  readonly locks?: Locks
  /** What the storage holds at most; default: nobody knows. */
  readonly quota?: Quota
  /** What its connection costs; default nothing. */
  readonly connection?: () => Connection
  readonly fetch?: Fetch
  readonly clock?: Clock
  readonly logger?: Logger
  readonly onEvent?: (event: KeeperEvent) => void
}

export interface DeviceStorage {
  readonly state: KeyValueStore
  readonly blobs: KeyValueStore
}

/** A device's storage in memory. */
export function memoryStorage(): DeviceStorage {
  return { state: memoryStore(), blobs: memoryStore() }
}

/** One device: the keeper, the routing and the sessions of the browser, in this Node process. */
export interface Device {
  /** The keeper itself, for what only a page would do: follow, wake, abort a call, hand over marks. */
  readonly keeper: Keeper
  load(name: string, version?: string): Promise<Served>
  predict(name: string, input: ModelInput, options?: PredictOptions): Promise<Prediction>
  predictMany(
    name: string,
    candidates: readonly ModelInput[],
    options?: PredictManyOptions,
  ): Promise<Predictions>
  /** As the options of `load()` on a page. */
  configure(name: string, options: ServingOptions): Promise<void>
  pin(name: string): Promise<PinnedModel>
  check(): Promise<void>
  explain(name: string): Promise<Explanation>
  storage(): Promise<StorageReport>
  versions(name: string): Promise<readonly ListedVersion[]>
  telemetry(): Promise<TelemetryReport>
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a device outside the browser, for fleets and tests: the very keeper that browsers run, on memory instead
 * of IndexedDB, with onnxruntime-web's WASM in this process instead of in a worker.
 *
 * @example
 * const device = createDevice({ repository: 'http://127.0.0.1:8787/', root })
 * await device.load('learner-risk')
 * const { modelVersion } = await device.predict('learner-risk', { hours_studied: 4, quiz_score: 61 })
 */
export function createDevice(options: DeviceOptions): Device {
  const random = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length))
  const life = randomName(random)
  const { onDownload } = options
  const log = options.logger ?? (() => undefined)
  const engines = new Map<number, LocalEngine>()
  let lastEngine = 0
  const routes = new Map<string, Route>()
  const observer =
    options.telemetry &&
    new Observer(
      life,
      'other',
      (observations) => keeper.observe(observations),
      (cause) => {
        const error = asAfieldError(cause, 'internal/unexpected', 'Counts could not be stored yet')
        log('warn', error.message, error)
      },
    )
  const routeTo = (name: string): Route => {
    const known = routes.get(name)
    if (known) return known
    const route = new Route(name, observer, {
      recover: () => keeper.recover(name),
      demote: async (error) => (await keeper.engineCalls()).demote(name, error),
      grow: async () => {
        const id = await (await keeper.engineCalls()).grow(name)
        return id === undefined ? undefined : engines.get(id)
      },
      consider: async (load) => (await keeper.engineCalls()).consider(name, load),
    })
    routes.set(name, route)
    return route
  }

  const keeper = new Keeper(
    {
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      clock: options.clock ?? systemClock,
      random,
      ...(options.storage ?? memoryStorage()),
      locks: options.locks ?? localLocks(),
      channel: silentChannel(),
      log,
      host: {
        openEngine: (_wanted) => {
          const engine = new LocalEngine(++lastEngine)
          engines.set(engine.id, engine)
          void engine.gone.then(() => engines.delete(engine.id))
          return Promise.resolve(engine)
        },
        serve: (route, engineId, served, terms) => {
          const engine = engines.get(engineId)
          if (engine) routeTo(route).serve(engine, served, terms)
          return Promise.resolve(engine !== undefined)
        },
        refuse: (route, error: ErrorData) => {
          routeTo(route).refuse(errorFromData(error))
          return Promise.resolve()
        },
        emit: (event) => options.onEvent?.(event),
        count: async (served, step, error) => observer?.reached(served, step, error),
        ...(onDownload ? { askDownload: async (request) => onDownload(request) } : {}),
      },
      ...(options.quota ? { quota: options.quota } : {}),
      ...(options.connection ? { connection: options.connection } : {}),
      ...(options.atStep ? { atStep: options.atStep } : {}),
      loadTelemetry: async () => (await import('../keeper/telemetry/telemetry.js')).default,
      loadEngineCalls: async () => (await import('../keeper/engines/engine-calls.js')).default,
      platform: { runtime: RUNTIME, browserBuild: `node ${NODE_VERSION}`, device: 'other' },
    },
    {
      life,
      repository: options.repository,
      root: utf8(options.root),
      policy: options.policy ?? 'local',
      downloads: options.downloads ?? 'auto',
      maxDownloadBytes: options.maxDownloadBytes,
      seed: options.seed,
      checkEveryMs: options.checkEveryMs ?? CHECK_EVERY_MS,
      telemetry: options.telemetry && {
        endpoint: options.telemetry.endpoint,
        key: options.telemetry.key,
        sealEveryMs: options.telemetry.sealEveryMs ?? 15 * 60 * 1000,
        floor: options.telemetry.floor ?? 20,
        sdk: SDK_VERSION,
      },
    },
  )

  return {
    keeper,
    load: async (name, version) => {
      const served = await keeper.load(name, version === undefined ? {} : { version })
      if (options.checkEveryMs !== undefined) keeper.follow()
      return served
    },
    predict: (name, input, given) => routeTo(name).predict(input, given),
    predictMany: (name, candidates, given) => routeTo(name).predictMany(candidates, given),
    configure: (name, serving) => routeTo(name).configure(serving),
    pin: (name) => routeTo(name).pin(),
    check: async () => void (await keeper.check()),
    explain: async (name) => explain(await keeper.explain(name)),
    storage: async () => describeStorage(await keeper.storage()),
    versions: (name) => keeper.versions(name),
    telemetry: async () => {
      await observer?.handOver()
      return keeper.telemetry()
    },
    flush: async () => {
      await observer?.handOver()
      await keeper.flush()
    },
    close: async () => {
      const closed = new AfieldError('closed', 'The device was closed. Create it anew.')
      await Promise.all([...routes.values()].map((route) => route.close(closed)))
      try {
        await observer?.handOver()
      } finally {
        observer?.close()
        await keeper.close()
      }
    },
  }
}

const NODE_VERSION = (globalThis as { process?: { version?: string } }).process?.version ?? 'unknown'
