import { AfieldError, asAfieldError, errorToData } from '@afield/protocol'
import { aborted } from '../abort.js'
import type { LastCheck } from './facts.js'
import type { Manifest, ManifestClient, ModelDocuments } from './manifest/client.js'
import type { Ports } from './ports.js'

/** A page that comes back into view checks unless the last check is younger than this. */
const WAKE_AFTER_MS = 60_000

export interface ChecksOptions {
  readonly checkEveryMs: number
  /** URL of the folder that the app ships; see `AfieldOptions.seed`. */
  readonly seed: string | undefined
  /** The models to look for news of. */
  readonly models: () => readonly string[]
  /** Called when the manifest is another one than before. */
  readonly onNews: () => void
}

/** What this tab knows of the repository, and when it looks again. */
export class Checks {
  readonly #ports: Ports
  readonly #client: ManifestClient
  readonly #options: ChecksOptions
  #manifest: Manifest | undefined
  #last: LastCheck | undefined
  #cancel: (() => void) | undefined
  /** The models that were looked for in the seed. */
  readonly #sought = new Set<string>()
  #adopting: Promise<unknown> = Promise.resolve()

  constructor(ports: Ports, client: ManifestClient, options: ChecksOptions) {
    this.#ports = ports
    this.#client = client
    this.#options = options
  }

  get manifest(): Manifest | undefined {
    return this.#manifest
  }

  /**
   * What the repository says of a model, as far as it is known here now.
   *
   * @throws AfieldError `model/not-found`, or why what it says was refused.
   */
  documents(model: string): ModelDocuments {
    const documents = this.#manifest?.models.get(model)
    if (documents) return documents
    throw (
      this.#manifest?.failures.get(model) ??
      new AfieldError(
        'model/not-found',
        `The repository has no model "${model}". Check the name, or publish it.`,
      )
    )
  }

  get last(): LastCheck | undefined {
    return this.#last
  }

  /** Reads what is stored, unless that was done. */
  async restore(): Promise<Manifest | undefined> {
    this.#manifest ??= await this.#client.restore()
    return this.#manifest
  }

  /** Reads anew what is stored: another tab changed it. */
  async reread(): Promise<Manifest | undefined> {
    // Under the lock, lest what a check of this tab just accepted be replaced by what it read before.
    const manifest = await this.#ports.locks.hold('check', () => this.#client.restore())
    if (manifest) this.#follow(manifest)
    return manifest
  }

  /**
   * One check of the repository, one tab at a time.
   *
   * @param also a model to look for that was not loaded.
   */
  async refresh(signal: AbortSignal | undefined, also?: string): Promise<Manifest> {
    try {
      const models = this.#wanted(also)
      const check = (): Promise<Manifest> => this.#client.check(models, signal)
      const manifest = await this.#ports.locks.hold('check', check, signal)
      this.#last = { at: manifest.checkedAt, error: undefined }
      if (this.#follow(manifest)) this.#ports.channel.post({ type: 'changed' })
      return manifest
    } catch (cause) {
      throw this.noteFailure(cause)
    }
  }

  /**
   * Takes over what the app ships where it is newer than what is stored. Looked at once in a page's life for each model.
   *
   * @param also a model to look for that was not loaded.
   * @returns whether it was. A seed that cannot be read is logged: the repository has it all.
   */
  adoptSeed(signal: AbortSignal | undefined, also?: string): Promise<boolean> {
    const adopted = this.#adopting.then(() => this.#adoptSeed(signal, also))
    // Who waits in line is told nothing of those before.
    this.#adopting = adopted.catch(() => undefined)
    return adopted
  }

  async #adoptSeed(signal: AbortSignal | undefined, also: string | undefined): Promise<boolean> {
    const { seed } = this.#options
    const wanted = this.#wanted(also)
    if (seed === undefined || wanted.every((model) => this.#sought.has(model))) return false
    for (const model of wanted) this.#sought.add(model)
    try {
      const adopt = (): Promise<Manifest | undefined> => this.#client.adoptSeed(seed, wanted, signal)
      const manifest = await this.#ports.locks.hold('check', adopt, signal)
      const before = this.#manifest
      if (!manifest || !isNews(before, manifest)) return false
      this.#follow(manifest)
      this.#ports.channel.post({ type: 'changed' })
      return true
    } catch (error) {
      // What was given up may be tried again.
      this.#sought.clear()
      throw error
    }
  }

  noteFailure(cause: unknown): AfieldError {
    const error = isAbort(cause)
      ? aborted(cause)
      : asAfieldError(cause, 'internal/unexpected', 'The check failed')
    this.#last = { at: this.#ports.clock.now(), error: error.code }
    const manifestVersion = this.#manifest?.version
    this.#ports.host.emit({ type: 'checked', manifestVersion, error: errorToData(error) })
    return error
  }

  /** From now on calls back about every `checkEveryMs`. */
  schedule(check: () => void): void {
    this.close()
    const [byte = 128] = this.#ports.random(1)
    const wait = this.#options.checkEveryMs * (0.9 + (0.2 * byte) / 255)
    this.#cancel = this.#ports.clock.after(wait, () => {
      this.schedule(check)
      check()
    })
  }

  /** Whether a page that comes into view should look for news. */
  get isDue(): boolean {
    if (!this.#cancel) return false
    const last = this.#last
    return !last || last.error !== undefined || this.#ports.clock.now() - last.at >= WAKE_AFTER_MS
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #wanted(also: string | undefined): readonly string[] {
    return also === undefined ? this.#options.models() : [...this.#options.models(), also]
  }

  #follow(manifest: Manifest): boolean {
    const news = this.#manifest?.version !== manifest.version
    this.#manifest = manifest
    if (news) this.#options.onNews()
    return news
  }
}

/** A newer state, or the same one with a model that was not followed before. */
function isNews(before: Manifest | undefined, { version, models }: Manifest): boolean {
  if (!before || version !== before.version) return true
  return [...models.keys()].some((model) => !before.models.has(model))
}

function isAbort(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'AbortError'
}
