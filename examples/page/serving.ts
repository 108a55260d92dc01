import {
  AfieldError,
  createAfield,
  type Afield,
  type Explanation,
  type Model,
  type Prediction,
  type StorageReport,
} from 'afield'
import type { TourConfig } from '../team/api.js'

export type ModelInput = Parameters<Model['predict']>[0]

/** The default is an hour; whoever tries this out wants to see a rollout arrive. */
const CHECK_EVERY_MS = 15_000
const RETRY_EVERY_MS = 10_000

export interface Served {
  readonly model: string
  readonly namespace?: string
}

export interface ServingEvents {
  /** Bytes of the model that are here; both 0 while only the runtime starts. */
  readonly loading: (loadedBytes: number, totalBytes: number) => void
  /** A version serves: the first one, or another than before. */
  readonly serving: (version: string, previous: string | undefined) => void
  /** A version failed its test on this device; what served before goes on serving. */
  readonly rejected: (version: string) => void
  /** No version may serve any more. */
  readonly refused: () => void
  /** The repository was asked for news. */
  readonly checked: (reached: boolean) => void
  /** Nothing could be loaded. It is tried again by itself. */
  readonly failed: (error: AfieldError) => void
}

/** The model on this page, from the first load to the last update. */
export class Serving {
  readonly #config: TourConfig
  readonly #served: Served
  readonly #events: ServingEvents
  #afield: Afield | undefined
  #model: Model | undefined
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(config: TourConfig, served: Served, events: ServingEvents) {
    this.#config = config
    this.#served = served
    this.#events = events
  }

  get ready(): boolean {
    return this.#model !== undefined
  }

  /** Once it is loaded. */
  get model(): Model | undefined {
    return this.#model
  }

  /** Starts, or starts anew, with or without consent to telemetry. */
  async start(consent: boolean): Promise<void> {
    await this.#stop()
    const { repository, root, collector, ingestKey } = this.#config
    const { namespace } = this.#served
    const afield = createAfield({
      repository,
      root,
      checkEveryMs: CHECK_EVERY_MS,
      ...(namespace === undefined ? {} : { namespace }),
      ...(consent
        ? { telemetry: { endpoint: `${collector}/v1/batches`, key: ingestKey, basis: 'consent' } }
        : {}),
    })
    this.#afield = afield
    afield.on('update', ({ version, previous }) => this.#events.serving(version, previous))
    afield.on('rejected', ({ version }) => this.#events.rejected(version))
    afield.on('refused', () => this.#events.refused())
    afield.on('checked', ({ error }) => this.#events.checked(error?.code !== 'manifest/unavailable'))
    await this.load()
  }

  /** Loads the model unless it is there; what fails is told and tried again. */
  async load(): Promise<void> {
    const afield = this.#afield
    clearTimeout(this.#retry)
    if (!afield || this.#model) return
    this.#events.loading(0, 0)
    try {
      const model = await afield.load(this.#served.model, {
        onProgress: ({ loadedBytes, totalBytes }) => this.#events.loading(loadedBytes, totalBytes),
      })
      if (afield !== this.#afield) return
      this.#model = model
      if (model.version !== undefined) this.#events.serving(model.version, undefined)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      if (afield !== this.#afield) return
      this.#events.failed(error)
      this.#retry = setTimeout(() => void this.load(), RETRY_EVERY_MS)
    }
  }

  /** @throws AfieldError as `Model.predict` does. */
  async predict(input: ModelInput): Promise<Prediction> {
    if (!this.#model) throw new AfieldError('closed', 'The model is not loaded yet.')
    return this.#model.predict(input)
  }

  /** Asks the repository for news now; how that went is told by `checked`. */
  async check(): Promise<void> {
    await this.#afield?.check()
  }

  async describe(): Promise<
    { readonly explanation: Explanation; readonly storage: StorageReport } | undefined
  > {
    const [afield, model] = [this.#afield, this.#model]
    if (!afield || !model) return undefined
    const [explanation, storage] = await Promise.all([model.explain(), afield.storage()])
    return { explanation, storage }
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#retry)
    const afield = this.#afield
    this.#afield = undefined
    this.#model = undefined
    await afield?.close()
  }
}
