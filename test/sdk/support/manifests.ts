import { jsonBytes } from '@afield/protocol'
import { memoryStorage } from 'afield/node'
import { silentChannel, localLocks } from '../../../packages/sdk/dist/keeper/adapters/memory.js'
import { ManifestClient, type Manifest } from '../../../packages/sdk/dist/keeper/manifest/client.js'
import type { KeyValueStore, Ports } from '../../../packages/sdk/dist/keeper/ports.js'
import { startHost, type FileHost } from '../../conformance/support/clients.js'
import { filesOf, makeDraft, nextOf, type Draft } from '../../conformance/support/draft.js'
import { TestClock } from './clock.js'

const CHANGE = { author: 'Tests', reason: 'because', at: '2026-11-21T12:00:00Z' }

/** A model's index with some versions. */
export function indexBytes(name: string, versions: readonly string[] = ['1.0.0']) {
  const releases = versions.map((version, i) => {
    const sha256 = (i + 1).toString(16).padStart(64, '0')
    return [version, { descriptor: { sha256, size: 2000 + i }, created: CHANGE.at }]
  })
  return jsonBytes({ format: 1, name, versions: Object.fromEntries(releases), change: CHANGE })
}

/** A rollout that gives a model's 1.0.0 to everyone. */
export function rolloutBytes(name: string, changes: Readonly<Record<string, unknown>> = {}) {
  const rollout = { strategy: 'canary', coverage: 0, steps: [10_000], seed: 'autumn', paused: false }
  const document = { format: 1, model: name, epoch: 1, stable: '1.0.0', killed: 'none', change: CHANGE }
  return jsonBytes({ ...document, ...rollout, ...changes })
}

/** A signed repository on a host, without model bytes, and clients that follow it. */
export interface ManifestWorld {
  readonly host: FileHost
  readonly root: string
  readonly clock: TestClock
  /** What is served now. */
  readonly draft: Draft
  /** Serves the next version with a change. */
  publish(change?: (next: Draft) => unknown): Promise<void>
  /** @param shipped the root that the app ships; the first one unless told. */
  client(state: KeyValueStore, ports?: Partial<Ports>, shipped?: Uint8Array<ArrayBuffer>): ManifestClient
}

export async function makeManifestWorld(models: readonly string[]): Promise<ManifestWorld> {
  let draft = await makeDraft()
  draft.documents.clear()
  for (const model of models) {
    draft.documents.set(`models/${model}.json`, indexBytes(model))
    draft.documents.set(`rollouts/${model}.json`, rolloutBytes(model))
  }
  const files = await filesOf(draft)
  const root = files.get('metadata/1.root.json') ?? new Uint8Array()
  const host = await startHost(files)
  const clock = new TestClock()
  return {
    host,
    root: new TextDecoder().decode(root),
    clock,
    get draft() {
      return draft
    },
    publish: async (change = () => undefined) => {
      draft = nextOf(draft)
      await change(draft)
      host.files = await filesOf(draft)
    },
    client: (state, ports = {}, shipped = root) =>
      new ManifestClient({ ...portsOf(state, clock), ...ports }, host.url, shipped),
  }
}

function portsOf(state: KeyValueStore, clock: TestClock): Ports {
  return {
    fetch: (url, init) => fetch(url, init),
    clock,
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    state,
    blobs: memoryStorage().blobs,
    locks: localLocks(),
    channel: silentChannel(),
    log: () => undefined,
    host: {
      openEngine: () => Promise.reject(new Error('These tests run no model.')),
      serve: () => Promise.resolve(true),
      refuse: () => Promise.resolve(),
      emit: () => undefined,
      count: () => Promise.resolve(),
    },
    loadTelemetry: () => Promise.reject(new Error('These tests count nothing.')),
    loadEngineCalls: () => Promise.reject(new Error('These tests run no model.')),
    platform: { runtime: 'none', browserBuild: 'none', device: 'other' },
  }
}

/** The versions that a manifest lists of each of its models. */
export function versionsOf(manifest: Manifest | undefined) {
  const models = [...(manifest?.models ?? [])]
  return Object.fromEntries(models.map(([model, { index }]) => [model, Object.keys(index.versions)]))
}
