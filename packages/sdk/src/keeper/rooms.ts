import type { ErrorCode, FunnelStep } from '@afield/protocol'
import { Activator } from './activation/activator.js'
import { Fetcher } from './activation/fetcher.js'
import { ModelRecords } from './activation/record.js'
import { Background } from './background.js'
import { Catalogue } from './catalogue.js'
import { Blobs } from './blobs/blobs.js'
import { Evictor } from './blobs/evict.js'
import { Source } from './blobs/source.js'
import { BlobStore } from './blobs/store.js'
import { Checks } from './checks.js'
import type { DownloadRules } from './downloads.js'
import { Following } from './following.js'
import { Loading, type LoadingRules } from './loading.js'
import { ManifestClient } from './manifest/client.js'
import type { Ports, Served } from './ports.js'
import { Removal } from './removal.js'
import { Reporting } from './reporting.js'
import { Routes } from './routes.js'
import { Shelf } from './shelf.js'
import type { TelemetryOptions } from './telemetry/port.js'

export interface KeeperOptions extends DownloadRules, LoadingRules {
  readonly repository: string
  /** The root metadata that the app ships: where all trust starts. */
  readonly root: Uint8Array<ArrayBuffer>
  readonly checkEveryMs: number
  readonly telemetry: TelemetryOptions | undefined
  /** This page's life: names trials, and makes observations countable once. */
  readonly life: string
}

/** What the keeper's calls are answered by. */
export interface Rooms {
  readonly background: Background
  readonly blobs: Blobs
  /** Where descriptors come from, the app's own files last. */
  readonly sources: readonly Source[]
  readonly catalogue: Catalogue
  /** This page's life. */
  readonly life: string
  readonly rules: DownloadRules
  readonly checks: Checks
  /** Bytes that came from the repository, by model. */
  readonly fetched: ReadonlyMap<string, number>
  readonly following: Following
  readonly loading: Loading
  readonly records: ModelRecords
  readonly removal: Removal
  readonly routes: Routes
  readonly shelf: Shelf
  /** Absent where telemetry is off. */
  readonly reporting: Reporting | undefined
}

/** Puts the keeper together: the only place that knows which room stands on which. */
export function makeRooms(ports: Ports, options: KeeperOptions): Rooms {
  const { life, policy, repository, seed } = options
  const background = new Background(ports)
  const reporting = options.telemetry && new Reporting(ports, { ...options.telemetry, background, life })
  const count = (served: Served, step: FunnelStep, error?: ErrorCode): void =>
    reporting?.count(served, step, error)
  const records = new ModelRecords(ports)
  const store = new BlobStore(ports)
  const fetched = new Map<string, number>()
  const sourcesFor = (onFetched?: (bytes: number) => void) => ({
    repository: policy === 'offline' ? undefined : new Source(ports, repository, onFetched),
    seed: seed === undefined ? undefined : new Source(ports, seed),
  })
  const routes = new Routes(ports, (init) => {
    const { model } = init
    const onFetched = (bytes: number): void => void fetched.set(model, (fetched.get(model) ?? 0) + bytes)
    const fetcher = new Fetcher(ports, blobs, {
      model,
      records,
      rules: options,
      ...sourcesFor(onFetched),
      count,
    })
    const sweep = (): Promise<void> => evictor.sweep()
    const documents = () => checks.documents(model)
    return new Activator(ports, { ...init, life, records, fetcher, sweep, documents, count })
  })
  const checks = new Checks(ports, new ManifestClient(ports, repository, options.root), {
    checkEveryMs: options.checkEveryMs,
    seed,
    models: () => routes.models(),
    // News interrupt downloads, which then ask again whether they are still wanted.
    onNews: () => routes.all().forEach((activator) => activator.interrupt()),
  })
  const evictor = new Evictor(ports, store, {
    records,
    manifest: () => checks.manifest,
    running: () =>
      routes
        .all()
        .flatMap(({ model, running }) =>
          running ? [{ model, version: running.served.version, descriptor: running.descriptor }] : [],
        ),
  })
  const blobs = new Blobs(ports, store, evictor)
  return {
    background,
    blobs,
    sources: Object.values(sourcesFor()).flatMap((source) => source ?? []),
    life,
    rules: options,
    catalogue: new Catalogue({ checks, routes, store, mayFetch: policy !== 'offline' }),
    checks,
    fetched,
    following: new Following(ports, {
      checks,
      routes,
      mayFetch: policy !== 'offline' || seed !== undefined,
      onFollowed: (served) => count(served, 'checked'),
    }),
    loading: new Loading(ports, { checks, routes, background, rules: options }),
    records,
    reporting,
    removal: new Removal(ports, { checks, records, evictor, routes }),
    routes,
    shelf: new Shelf(ports, { store, records }),
  }
}
