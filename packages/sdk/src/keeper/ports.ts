import type { OpenEngineCalls } from './engines/port.js'
import type { Step } from './steps.js'
import type { OpenTelemetry } from './telemetry/port.js'
import type {
  AfieldError,
  Artifact,
  Assets,
  Backend,
  ErrorCode,
  ErrorData,
  FunnelStep,
  Version,
} from '@afield/protocol'
import type { EngineFacts, RuntimeBuild } from '../engine/messages.js'

/**
 * What the keeper needs from the world around it. A browser gives it IndexedDB, Web Locks and workers
 * (`keeper/worker.ts`); Node gives it memory (`keeper/adapters/memory.ts`). The keeper cannot tell which.
 */
export interface Ports {
  readonly fetch: Fetch
  readonly clock: Clock
  /** Cryptographically strong random bytes. */
  readonly random: (length: number) => Uint8Array<ArrayBuffer>
  /** Small records that must change together. */
  readonly state: KeyValueStore
  /** Descriptors and chunks under the SHA-256 of their bytes. */
  readonly blobs: KeyValueStore
  readonly locks: Locks
  readonly channel: Channel
  readonly log: Logger
  readonly host: Host
  readonly platform: Platform
  /**
   * Loads the code of telemetry, which is a file of its own; asked for only where telemetry is on.
   *
   * @param attempt 0, 1, 2 …
   */
  readonly loadTelemetry: (attempt: number) => Promise<OpenTelemetry>
  /** Loads the code for further engines, another file of its own; `attempt` as above. */
  readonly loadEngineCalls: (attempt: number) => Promise<OpenEngineCalls>
  /** Absent where models run on WASM only. */
  readonly hardware?: Hardware
  /** Where the platform tells how much it stores. */
  readonly quota?: Quota
  /** Where the platform tells what a download costs its user; asked anew each time. */
  readonly connection?: () => Connection
  /** Deletes what older formats stored, where there may be any. */
  readonly retireOlder?: () => Promise<void>
  /** Awaited at each boundary, so that a test can break things just there. */
  readonly atStep?: (step: Step) => void | Promise<void>
}

/** Says that a step is done, and waits for whoever wants to break things there. */
export async function reach({ atStep }: Pick<Ports, 'atStep'>, step: Step): Promise<void> {
  if (atStep) await atStep(step)
}

export interface Quota {
  /** `undefined` when nobody knows. */
  estimate(): Promise<{ readonly usageBytes: number; readonly quotaBytes: number } | undefined>
  /** Whether the browser promised to delete nothing by itself. */
  persisted(): Promise<boolean>
}

export interface Connection {
  /** The user asked sites to use little data. */
  readonly saveData: boolean
  /** The connection is known to be paid for by the byte. */
  readonly metered: boolean
}

/** A download that the app is asked about before its first chunk. */
export interface DownloadRequest {
  readonly model: string
  readonly version: Version
  /** What would come over the network. */
  readonly bytes: number
  /** `load`: nothing can answer without it. `update`: another version answers meanwhile. */
  readonly reason: 'load' | 'update'
}

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls back once after `ms`; the returned function cancels. */
  after(ms: number, callback: () => void): () => void
}

/** The smallest store that can keep a promise: `write` happens as a whole or not at all. */
export interface KeyValueStore {
  readonly kind: 'indexeddb' | 'memory'
  get(key: string): Promise<unknown>
  /** Values in the order of the keys, `undefined` where there is none. */
  getMany(keys: readonly string[]): Promise<readonly unknown[]>
  keys(): Promise<readonly string[]>
  /**
   * Puts and, for `undefined`, deletes, in one transaction.
   *
   * @throws AfieldError `storage/quota` when the browser has no room, `storage/unavailable` otherwise.
   */
  write(changes: ReadonlyMap<string, unknown>): Promise<void>
}

/** Mutual exclusion across the tabs of an origin, held per operation and never for a tab's life. */
export interface Locks {
  /** @param signal gives up waiting; a task that has begun is its own business. */
  hold<T>(name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** Tells the other tabs of the origin that shared state changed. */
export interface Channel {
  post(message: ChannelMessage): void
  subscribe(listener: (message: ChannelMessage) => void): void
  close(): void
}

export interface ChannelMessage {
  readonly type: 'changed'
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Receives what the SDK has to say. Never receives inputs or answers. */
export type Logger = (level: LogLevel, message: string, error?: AfieldError) => void

export interface Platform {
  /** The runtime's name and version, part of what a self-test is remembered for. */
  readonly runtime: string
  /** Changes when the browser does, part of what a self-test is remembered for. */
  readonly browserBuild: string
  readonly device: 'desktop' | 'mobile' | 'other'
  /** In GiB, where the browser tells. */
  readonly memoryGiB?: number | undefined
}

/** What a device could run models on beside WASM. */
export interface Hardware {
  /** The build of onnxruntime that drives it here. */
  readonly build: Exclude<RuntimeBuild, 'plain'>
  readonly hasWebNN: boolean
  /** Looks for a GPU, and wakes it: only who means to use it asks. */
  findGpu(): Promise<Gpu | undefined>
}

export interface Gpu {
  /** Vendor, architecture, device and description, as far as the browser tells. */
  readonly name: string
  readonly features: readonly string[]
  readonly limits: Readonly<Record<string, number>>
}

/** Where engines live and predictions are routed: the page, or a simulated device. */
export interface Host {
  /**
   * Starts an engine, or hands over one that was started in advance.
   *
   * @throws AfieldError `engine/no-room` when the budget has no place for one of this role; `closed`.
   */
  openEngine(wanted: EngineWanted): Promise<Engine>
  /**
   * From now on this engine answers for the model; those before it drain and close.
   *
   * @returns false where the engine is gone by then; what served before goes on.
   */
  serve(model: string, engineId: number, served: Served, terms: Terms): Promise<boolean>
  /** Nothing may answer for the model any more; `predict()` rejects with this error. */
  refuse(model: string, error: ErrorData): Promise<void>
  emit(event: KeeperEvent): void
  /** Counts a step with what the page counts, while telemetry cannot take it. */
  count(served: Served, step: FunnelStep, error?: ErrorCode): Promise<void>
  /** Asks the app; absent where the app gave no `onDownload`. */
  readonly askDownload?: (request: DownloadRequest) => Promise<boolean>
}

/** What an engine is for. When room is short, the last of these give way first. */
export type EngineRole = 'serving' | 'staging' | 'previous' | 'pool' | 'backend' | 'shadow'

export interface EngineWanted {
  readonly role: EngineRole
  readonly runtime: RuntimeBuild
  /** Bytes of the model's files, of which a session takes about twice as much. */
  readonly modelBytes: number
}

export interface Engine {
  readonly id: number
  /**
   * Makes a session from verified bytes, replays the golden vectors when given, which also warms it up.
   *
   * @returns what it runs on, as it found out.
   * @throws AfieldError `engine/*`, `model/self-test-failed`, or `descriptor/invalid` for a contract or golden vectors
   *   that it cannot read.
   */
  load(model: EngineModel): Promise<EngineFacts>
  /**
   * Measures runs of as many golden vectors together.
   *
   * @param selfTest the vectors, for an engine that was not given them with its model.
   * @returns the median of a few, in ms.
   * @throws AfieldError `model/self-test-failed` where a vector got no answer; `engine/device-lost`,
   *   `engine/out-of-memory`.
   */
  measure(together: number, selfTest?: unknown): Promise<number>
  close(): void
}

export interface EngineModel {
  readonly model: string
  readonly version: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly backend: Backend
  /** Files that the graph refers to, by the paths it calls them. */
  readonly externalData: readonly ExternalData[]
  /** As the descriptor has it: the engine parses it with the code for its kind of input. */
  readonly contract: unknown
  /** Files that the contract names, such as a tokenizer. */
  readonly assets: Assets
  /** Which state its answers may carry on: that of this model, in this format. */
  readonly stateOf: string
  /** Of the graph, as its descriptor lists them. */
  readonly operators: readonly string[]
  /** Golden vectors to replay before anything is served; `undefined` when they passed here before. */
  readonly selfTest: unknown
  /** How far answers may lie from the golden vectors; default what the self-test says. */
  readonly tolerance: Artifact['tolerance']
  /** What drift is measured against, as the descriptor has it; `undefined` where it has none. */
  readonly reference: unknown
}

export interface ExternalData {
  readonly path: string
  readonly data: Uint8Array<ArrayBuffer>
}

/** What the keeper tells the page about the version that serves. */
export interface Served {
  readonly model: string
  readonly version: Version
  readonly arm: 'stable' | 'candidate' | 'pinned'
  readonly backend: Backend
  readonly epoch: number
  readonly step: number
}

/** On what terms an engine serves: what only the page needs to know. */
export interface Terms {
  readonly variant: Artifact['variant']
  readonly engine: EngineFacts
  /** Another version was meant for this device, and failed or is not here. */
  readonly standsIn: boolean
  /** Of those that served here before, the versions that may not run any more: what is pinned to them ends too. */
  readonly withdrawn: readonly Version[]
  /** As the descriptor has it; the page parses it when somebody asks. */
  readonly slo: unknown
  readonly modelBytes: number
}

/** Why a model runs on a backend. */
export type BackendReason =
  /** Where every model starts. */
  | 'default'
  /** It was measured to be faster here. */
  | 'faster'
  /** The app asked for it. */
  | 'asked'
  | 'device-lost'
  | 'wrong-answer'
  | 'failed'

export type KeeperEvent =
  | {
      /** Of a download, chunk by chunk. */
      readonly type: 'progress'
      readonly model: string
      readonly version: Version
      /** Bytes of this version that are on the device and verified. */
      readonly loadedBytes: number
      readonly totalBytes: number
    }
  | {
      /** A version begins to serve; `previous` is what served before it. */
      readonly type: 'update'
      readonly model: string
      readonly version: Version
      readonly previous?: Version
    }
  | {
      /** A version failed on this device and does not serve. */
      readonly type: 'rejected'
      readonly model: string
      readonly version: Version
      readonly code: ErrorCode
      readonly message: string
    }
  | {
      /** Nothing may serve this model any more: it was switched off, or no version may run. */
      readonly type: 'refused'
      readonly model: string
      readonly code: ErrorCode
      readonly message: string
    }
  | {
      /** A model now runs on another backend than before, on this page. */
      readonly type: 'backend'
      readonly model: string
      readonly version: Version
      readonly backend: Backend
      readonly previous: Backend
      readonly reason: BackendReason
    }
  | { readonly type: 'checked'; readonly manifestVersion: number | undefined; readonly error?: ErrorData }
