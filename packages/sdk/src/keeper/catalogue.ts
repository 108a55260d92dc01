import {
  AfieldError,
  ModelNameSchema,
  compareVersions,
  parseRunnable,
  parseWith,
  type GoldenInput,
  type ModelIndex,
  type Release,
  type SelfTest,
  type Version,
} from '@afield/protocol'
import { BACKEND, artifactFor, distinctChunks } from './blobs/files.js'
import type { BlobStore } from './blobs/store.js'
import type { Checks } from './checks.js'
import type { Served } from './ports.js'
import type { Routes } from './routes.js'

/** One version of a model, as its signed index lists it, and what of it is here. */
export interface ListedVersion {
  readonly version: Version
  /** When it was published, as RFC 3339 writes it. */
  readonly created: string
  /** When it was revoked, and why. It runs nowhere any more. */
  readonly revoked?: { readonly at: string; readonly reason: string }
  /** Whether all of it is on this device, ready to serve without a network. */
  readonly onDevice: boolean
  /** Whether it answers on this page now. */
  readonly serves: boolean
  /** What `load(name, { version })` may call it besides its number. */
  readonly aliases: readonly string[]
}

/** What an engine may be asked without the app's doing, and what it should answer. */
export interface GoldenQuestion {
  readonly golden: GoldenInput
  readonly expected: SelfTest
  /** Whom: the vectors of others differ. */
  readonly of: Served
  /** What the version is held to, as the descriptor has it. */
  readonly slo: unknown
}

interface CatalogueOptions {
  readonly checks: Checks
  readonly routes: Routes
  readonly store: BlobStore
  /** Whether the repository may be asked. */
  readonly mayFetch: boolean
}

/** What there is of a model, here and in its repository. */
export class Catalogue {
  readonly #options: CatalogueOptions

  constructor(options: CatalogueOptions) {
    this.#options = options
  }

  /**
   * Newest first. Read from what is known here; where nothing is, the app's seed and then the repository are asked.
   *
   * @throws AfieldError `model/not-found`, `manifest/*`.
   */
  async versions(model: string): Promise<readonly ListedVersion[]> {
    parseWith(ModelNameSchema, model, 'model/not-found', `The model's name`)
    const { checks, routes, store, mayFetch } = this.#options
    await checks.restore()
    const isUnknown = (): boolean => !checks.manifest?.models.has(model)
    if (isUnknown()) await checks.adoptSeed(undefined, model)
    if (isUnknown() && mayFetch) await checks.refresh(undefined, model)
    const { index, rollout } = checks.documents(model)
    const aliases = Object.entries<Version>(rollout?.aliases ?? {})
    const here = await store.keys()
    const running = new Set(routes.all().map((route) => route.model === model && route.running?.descriptor))
    return Promise.all(
      releasesOf(index).map(async ([version, release]): Promise<ListedVersion> => {
        const { created, revoked, descriptor } = release
        return {
          version,
          created,
          ...(revoked ? { revoked: { at: revoked.at, reason: revoked.reason } } : {}),
          onDevice: await this.#isHere(model, version, release, here),
          serves: running.has(descriptor.sha256),
          aliases: aliases.filter(([, means]) => means === version).map(([alias]) => alias),
        }
      }),
    )
  }

  /**
   * The first golden vector of the version that serves on a route.
   *
   * @throws AfieldError `model/not-found` when nothing serves; `input/invalid` for a version without golden vectors.
   */
  async golden(route: string): Promise<GoldenQuestion> {
    const { routes, store } = this.#options
    const running = routes.get(route)?.running
    const bytes = running && (await store.get(running.descriptor))
    if (!running || !bytes)
      throw new AfieldError('model/not-found', `Nothing serves "${route}". Load it again.`)
    const { backend, model, version } = running.served
    // The engine read them whole before it served them.
    const { artifacts, selfTest, slo } = parseRunnable(bytes, { name: model, version })
    const { vectors, ...rest } = selfTest as SelfTest
    const [first] = vectors
    if (first) {
      const { tolerance = rest.tolerance } = artifactFor({ artifacts }, backend)
      return {
        golden: first.input,
        expected: { ...rest, tolerance, vectors: [first] },
        of: running.served,
        slo,
      }
    }
    throw new AfieldError('input/invalid', `${version} of "${model}" has no golden vector. Give an input.`)
  }

  async #isHere(
    model: string,
    version: Version,
    { descriptor }: Release,
    here: ReadonlySet<string>,
  ): Promise<boolean> {
    const bytes = here.has(descriptor.sha256) ? await this.#options.store.get(descriptor.sha256) : undefined
    if (!bytes) return false
    const { artifacts } = parseRunnable(bytes, { name: model, version })
    const usual = artifacts.filter(({ backends }) => backends.includes(BACKEND))
    return usual.some((one) =>
      [...distinctChunks({ artifacts: [one] }).keys()].every((hash) => here.has(hash)),
    )
  }
}

function releasesOf({ versions }: ModelIndex): readonly (readonly [Version, Release])[] {
  const releases = Object.entries(versions) as [Version, Release][]
  return releases.sort(([a], [b]) => compareVersions(b, a))
}
