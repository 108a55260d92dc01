import type { AfieldError, Backend, ModelState, Outputs } from '@afield/protocol'
import type { ListedVersion } from './keeper/catalogue.js'
import type { CheckReport } from './keeper/following.js'
import type { DownloadRequest, KeeperEvent, Logger } from './keeper/ports.js'
import type { Step } from './keeper/steps.js'
import type { TelemetryReport } from './keeper/telemetry/port.js'
import type { ModelInput } from './inputs.js'
import type { InputOf, ModelName, OutputsOf } from './models.js'
import type { BenchmarkOptions, BenchmarkReport } from './router/benchmark.js'
import type { FallbackOptions } from './router/fallback/options.js'
import type { DriftReport, SloEvent, Stats } from './router/monitor/reports.js'
import type { Health, HealthOptions } from './router/health.js'
import type { Explanation } from './words/explain.js'
import type { StorageReport } from './words/storage.js'

export interface AfieldOptions {
  /** URL of the repository, such as `https://models.example.com/`. */
  readonly repository: string
  /** The repository's `1.root.json`, imported or as text: ship it with the app, never fetch it. */
  readonly root: object | string
  /**
   * `local` (default): serve what is on the device at once, then look for news. `latest`: look first, for at most 4 s.
   * `offline`: never use the network.
   */
  readonly policy?: 'local' | 'latest' | 'offline'
  /**
   * When updates are downloaded; what serves goes on serving meanwhile, and `explain()` says what waits. `auto`
   * (default): at once, but not while the user asks sites to save data. `unmetered`: nor on connections that are known
   * to be paid for by the byte. `ask`: when `onDownload` agrees, first loads included. Otherwise a first load that the
   * app asked for is never put off. The same holds for a runtime for the GPU, unless the app asked for that backend.
   */
  readonly downloads?: 'auto' | 'ask' | 'unmetered'
  /** With `downloads: 'ask'`, decides about each download before its first chunk. Without it: no. */
  readonly onDownload?: (request: DownloadRequest) => boolean | Promise<boolean>
  /** A download of more bytes is refused with `download/too-large`; what serves goes on serving. */
  readonly maxDownloadBytes?: number
  /**
   * URL of a folder that `afield bundle` wrote and the app ships, such as `/seed/`. Verified like the repository, it
   * serves a first visit without one, and whatever is newer takes over.
   */
  readonly seed?: string
  /** Milliseconds between looks for news, give or take a tenth; default one hour. */
  readonly checkEveryMs?: number
  /** Keeps apart what two apps of one origin store; default `default`. */
  readonly namespace?: string
  /** Off unless given, and off where the browser sends Global Privacy Control. */
  readonly telemetry?: AfieldTelemetryOptions
  /** Hears warnings and errors; default the console. Never sees inputs or answers. */
  readonly logger?: Logger
  /** Awaited at each step boundary; for fault-injection tests. */
  readonly atStep?: (step: Step) => void | Promise<void>
}

export interface AfieldTelemetryOptions {
  /** Where batches go, such as `https://telemetry.example.com/v1/batches`. */
  readonly endpoint: string
  /** The collector's ingest key. Not a secret: it is in the app. */
  readonly key: string
  /** On what legal basis the app sends; telemetry stays off without one. */
  readonly basis: 'consent' | 'legitimate-interest'
  /** Milliseconds between batches; default 15 minutes. */
  readonly sealEveryMs?: number
  /** A batch tells counts and latencies only of at least this many predictions; default 20. */
  readonly floor?: number
}

/** How a model is served on this page. What the latest `load()` of it says holds; what it leaves out stays. */
export interface ServingOptions {
  /**
   * Engines of the model, each a worker with a session of its own: so many, or `auto`, as many as the load asks for.
   * All that run on this page share one budget, of 8 at most and of no more than the device has cores or memory for;
   * what does not fit is not started. Default 1. From the first `load()` that asks for more than one, each
   * engine that this page starts has one thread.
   */
  readonly workers?: number | 'auto'
  /**
   * Predictions that may wait for an engine; one more is refused with `engine/overloaded`. Default 10,000. Those of
   * `predictMany()` do not count.
   */
  readonly maxQueue?: number
  /** Answers that are kept for inputs that come again, the latest used of them. Default 0: none. */
  readonly cache?: number
  /**
   * A run that takes longer than so many ms hangs: its engine is ended and another started. Default 30,000. What travelled
   * with it is asked again, each alone, so that a call may hear that it hung after twice as long.
   */
  readonly hungAfterMs?: number
  /**
   * `auto` (default): WASM, and beside it WebGPU or WebNN where so much is predicted that it pays, if it agrees with the
   * golden vectors and is faster here. `wasm`: nothing else. `webgpu` or `webnn`: as soon as it agrees.
   */
  readonly backend?: Backend | 'auto'
}

export interface LoadOptions<O = Outputs, I = ModelInput> extends ServingOptions {
  /** A version, an alias that the team gave one, or `latest`; default: what the rollout means for this device. */
  readonly version?: string
  /**
   * Who answers when the model cannot: a server, then a constant or a function. With one that can answer, `load()`
   * does not fail for want of the model.
   */
  readonly fallback?: FallbackOptions<O, I>
  /** Gives this call up: it rejects with `aborted`. Others that load the model are not affected. */
  readonly signal?: AbortSignal
  /** Hears of this model's download, as `on('progress')` does. */
  readonly onProgress?: (progress: Progress) => void
}

export type Progress = Extract<KeeperEvent, { type: 'progress' }>

export interface PredictManyOptions<O = Outputs> {
  /** As for `predict()`. */
  readonly signal?: AbortSignal | undefined
  /** As for `predict()`, for all of them together. */
  readonly timeoutMs?: number | undefined
  /**
   * Sorts the answers by this output: a value, or a label by its score. Equal ones keep the candidates' order. NaN, which
   * a fallback may answer, comes last in either order.
   */
  readonly rankBy?: (keyof O & string) | undefined
  /** Default `descending`: the largest first. */
  readonly order?: 'ascending' | 'descending' | undefined
  /** With `rankBy`: only so many of the first. */
  readonly top?: number | undefined
}

export interface PredictOptions {
  /** Gives the call up, in whatever state it is: it rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** In ms, above 0. By then an answer or an error is here: a constant or function of the fallback answers, else `engine/timeout`. */
  readonly timeoutMs?: number | undefined
  /** Of the answer before, for a stateful model; without one it begins anew. */
  readonly state?: ModelState | undefined
}

export type { AudioLike, ImageLike, ModelInput, TensorLike } from './inputs.js'

/**
 * Who answered: the version that is meant for this device (`model`), an older one in its place (`previous`), a server
 * (`remote`), or the app itself (`constant`, `function`).
 */
export type ServedBy = 'model' | 'previous' | 'remote' | 'constant' | 'function'

/** An answer, and where it came from. */
export interface Prediction<O = Outputs> {
  /** The outputs of the model's contract, by name. */
  readonly outputs: O
  readonly model: string
  /** Of a constant or a function, `none`; of a server, what it says. */
  readonly modelVersion: string
  readonly servedBy: ServedBy
  /** What the model ran on here; `undefined` where something else answered. */
  readonly backend: Backend | undefined
  /** The answer to the same input, given before. */
  readonly cached?: true
  /** Milliseconds from the call to the answer. */
  readonly latencyMs: number
  /** Of a stateful model: what the next call takes to go on from here. */
  readonly state?: ModelState
}

/** What one candidate of `predictMany` got. */
export interface CandidateAnswer<O = Outputs> {
  /** Its place among the candidates. */
  readonly index: number
  readonly outputs: O
}

/** The answers to many candidates, all by one version. */
export interface Predictions<O = Outputs> {
  /** In the candidates' order, or sorted as asked. */
  readonly results: readonly CandidateAnswer<O>[]
  /** The candidates that got no answer, and why, in their order. */
  readonly failures: readonly { readonly index: number; readonly error: AfieldError }[]
  readonly model: string
  readonly modelVersion: string
  readonly servedBy: ServedBy
  readonly backend: Backend | undefined
  /** Milliseconds from the call to all of the answers. */
  readonly latencyMs: number
}

/** A loaded model. Which version answers may change between two calls; each answer says which it was. */
export interface Model<N extends ModelName = ModelName> {
  readonly name: N
  /** The version that serves now; `undefined` while none may. */
  readonly version: string | undefined
  /**
   * Answers one input of the kind that the model's contract takes. It must stay as it is until the answer is here:
   * while the engine is busy it waits, uncopied.
   *
   * @throws AfieldError `input/invalid`, with `details.field` and `details.problem` where a field is at fault;
   *   `model/killed`; `engine/*`; `aborted`; `closed`.
   * @example
   * // a record
   * const { outputs } = await model.predict({ hours_studied: 4, quiz_score: 61 })
   * @example
   * // tensors by name; dims may be left out where they follow from the contract
   * await model.predict({ tokens: { dims: [1, 3], data: BigInt64Array.of(5n, 7n, 9n) }, mask: [[1, 1, 0]] })
   * @example
   * // a stateful model, frame by frame
   * let state
   * for (const frame of frames) ({ outputs, state } = await model.predict(frame, { state }))
   * @example
   * // an image, a recording, a text
   * await model.predict(canvas)
   * await model.predict({ samples, sampleRate: 16000 })
   * await model.predict('Was this helpful?')
   */
  predict(input: InputOf<N>, options?: PredictOptions): Promise<Prediction<OutputsOf<N>>>
  /**
   * Answers many candidates together, such as to rank them: all by one version, also when another begins to serve
   * meanwhile, and in as few runs as their number allows (1,024 at most in one). Telemetry counts each as a prediction
   * that took as long as the call. A candidate that does not fit the contract fails alone. A stateful model begins anew
   * for each.
   *
   * @throws AfieldError `input/invalid` with `details.field` `candidates`, `rankBy`, `order` or `top`; otherwise as
   *   `predict()` does, where it is not a candidate that is at fault.
   * @example
   * const { results, failures } = await model.predictMany(offers, { rankBy: 'click_score', top: 10 })
   * show(results.map(({ index, outputs }) => [offers[index], outputs.click_score]))
   */
  predictMany(
    candidates: readonly InputOf<N>[],
    options?: PredictManyOptions<OutputsOf<N>>,
  ): Promise<Predictions<OutputsOf<N>>>
  /**
   * Measures how fast this device answers, by real predictions that telemetry does not count. Begins anew when another
   * version takes over meanwhile.
   *
   * @throws AfieldError `input/invalid` with `details.field` `samples`, or for the given input; else as `predict()` does.
   * @example
   * const { latencyMs, perSecond, runtime } = await model.benchmark({ samples: 200 })
   * console.log(`${runtime}: p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, ${perSecond} a second`)
   */
  benchmark(options?: BenchmarkOptions): Promise<BenchmarkReport>
  /** Why this device runs this version, on this backend, right now. */
  explain(): Promise<Explanation>
  /**
   * Holds on to the version and engine that serve now, for a stream of inputs that belong together: an update does not
   * cut it. What the team switches off or revokes ends it all the same, with `model/killed` or `model/revoked`.
   *
   * @throws AfieldError as `predict()` does.
   * @example
   * const pinned = await model.pin()
   * try {
   *   for (const frame of frames) ({ outputs, state } = await pinned.predict(frame, { state }))
   * } finally {
   *   pinned.release()
   * }
   */
  pin(): Promise<PinnedModel<N>>
  /**
   * What became of this page's predictions, by version and backend: counts, success, latency, throughput, and what they
   * cost. An engine that is in the middle of a long run is waited for up to a second, then told of as it last was.
   *
   * @example
   * const { total, versions } = await model.stats()
   * console.log(total.latencyMs.p95, versions.map(({ version, backend, success }) => [version, backend, success]))
   */
  stats(): Promise<Stats>
  /**
   * Whether the model can answer, found out by asking it: a golden vector, replayed and compared.
   *
   * @example
   * const { canPredict, latencyOk, successOk } = await model.health()
   */
  health(options?: HealthOptions): Promise<Health>
  /**
   * How far this page's inputs and answers are from those of the training data: exact, and for this page alone.
   *
   * @example
   * const { fields } = await model.drift()
   * console.log(fields.filter(({ drifted }) => drifted).map(({ name, largestChange }) => [name, largestChange]))
   */
  drift(): Promise<DriftReport>
}

/** A model, held at one version and engine. */
export interface PinnedModel<N extends ModelName = ModelName> {
  readonly version: string
  readonly backend: Backend
  predict: Model<N>['predict']
  predictMany: Model<N>['predictMany']
  /**
   * Lets go; an engine that nobody holds any more ends, and what is asked after that is answered only while this version
   * serves. Calling it again changes nothing.
   */
  release(): void
}

/** What an app may listen to. */
export type AfieldEvent = KeeperEvent | SloEvent

export type AfieldEvents = { readonly [E in AfieldEvent as E['type']]: E }

export interface Afield {
  /**
   * Makes a model ready: from the device where it is there, else from the repository.
   *
   * @throws AfieldError `model/*`, `manifest/*`, `chunk/*`, `download/*`, `engine/*`, `storage/*`, `aborted`, `closed`;
   *   `input/invalid` for an option that cannot be taken, with `details.field`; `platform/unsupported` where there is no
   *   page.
   */
  load<N extends ModelName>(name: N, options?: LoadOptions<OutputsOf<N>, InputOf<N>>): Promise<Model<N>>
  /**
   * Looks for news now. What serves goes on serving, also where that fails.
   *
   * @throws AfieldError `manifest/*`, and what an update's download or start fails with; `aborted`, `closed`;
   *   `input/invalid`, field `options` or `signal`.
   */
  check(options?: { readonly signal?: AbortSignal }): Promise<CheckReport>
  /** Why this device runs what it runs of a model. @throws AfieldError `input/invalid`, field `name`; `closed`. */
  explain(name: string): Promise<Explanation>
  /**
   * A model's versions, newest first: out of what is verified here, so also without a network. Where the model was
   * never heard of here, the app's seed and the repository are asked.
   *
   * @throws AfieldError `model/not-found`, `manifest/*`; `input/invalid`, field `name`.
   * @example
   * const before = (await afield.versions('learner-risk')).find(({ serves, revoked }) => !serves && !revoked)
   * const old = before && (await afield.load('learner-risk', { version: before.version }))
   */
  versions(name: string): Promise<readonly ListedVersion[]>
  /** What is stored on this device. */
  storage(): Promise<StorageReport>
  /**
   * Asks the browser to keep what this site stores until the user removes it.
   *
   * @returns whether it will; browsers may say no, and some ask the user.
   */
  persist(): Promise<boolean>
  /**
   * Deletes one version of a model from this device, or all of it; the model is then closed first, and `predict()`
   * rejects until it is loaded again. Bytes that other versions share stay.
   *
   * @throws AfieldError `model/not-found`; `input/invalid` for the version that serves, and with `details.field` for what is no
   *   name, version or options; `storage/unavailable`.
   * @example
   * await afield.remove('learner-risk', { version: '1.0.0' })
   */
  remove(name: string, options?: { readonly version?: string }): Promise<void>
  /**
   * What telemetry holds and has sent, to the byte.
   *
   * @throws AfieldError `telemetry/unavailable` where its code could not be loaded; counts then wait.
   */
  telemetry(): Promise<TelemetryReport>
  /**
   * Seals and sends telemetry now.
   *
   * @throws AfieldError `telemetry/unavailable`, as above.
   */
  flush(): Promise<void>
  /**
   * Listens to what happens on this page: `progress` of a download; `update` when a version begins to serve, the first
   * one included, and `rejected` when one failed here; `refused` when nothing may serve any more; `backend` when a model changes it;
   * `checked` after each look for news; `slo` when an objective is missed, or met again.
   *
   * @returns a function that stops listening.
   * @throws AfieldError `input/invalid`, field `type` or `listener`.
   * @example
   * const stop = afield.on('slo', ({ model, objective, state }) => console.warn(model, objective, state))
   */
  on<T extends keyof AfieldEvents>(type: T, listener: (event: AfieldEvents[T]) => void): () => void
  /**
   * Gives the answers that are under way, then ends all workers. Counts that were not sent stay on the device for the
   * next visit. From the moment of the call, every other call rejects with `closed`; calling it again changes nothing.
   */
  close(): Promise<void>
}
