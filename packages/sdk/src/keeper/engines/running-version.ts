import { mayRun, type AfieldError, type Runnable } from '@afield/protocol'
import type { Activator } from '../activation/activator.js'
import type { Backing, Fetched, StoredVersion } from '../activation/fetcher.js'
import { REST_MS } from '../activation/record.js'

/** Out of the store; `undefined` when nothing runs, or it is no longer here whole. */
export async function storedRunning(
  activator: Activator,
  on = activator.running?.on,
): Promise<StoredVersion | undefined> {
  const version = activator.running?.served.version
  return version && activator.options.fetcher.stored(version, activator.releaseOf(version), on)
}

/** As its descriptor says; `undefined` when nothing runs. */
export async function describeRunning(activator: Activator): Promise<Runnable | undefined> {
  const version = activator.running?.served.version
  return version && activator.options.fetcher.describe(version, activator.releaseOf(version))
}

/** Its files for another backend, by the rules of downloads. */
export async function fetchRunning(activator: Activator, on: Backing): Promise<Fetched> {
  if (!activator.running) return { kind: 'interrupted' }
  const { served } = activator.running
  const release = activator.releaseOf(served.version)
  const wanted = { ...served, backend: on.backend }
  return activator.options.fetcher.fetch(wanted, release, 'update', undefined, on)
}

/** Whether it could give way to another version that is on this device; never what was asked for by number. */
export async function hasStandIn(activator: Activator): Promise<boolean> {
  const { fetcher, records, documents } = activator.options
  const running = activator.running?.served
  if (!running || running.arm === 'pinned') return false
  const known = documents()
  const record = await records.read(activator.model)
  const failed = new Set([...activator.failures(known, record).keys(), running.version])
  const decision = activator.decide(known, record, failed)
  if (decision.kind === 'refuse') return false
  const others = [decision.version, record.current?.version, record.previous?.version]
  for (const version of new Set(others)) {
    const release = version && known.index.versions[version]
    if (!release || failed.has(version) || !mayRun(known, version)) continue
    if (await fetcher.stored(version, release)) return true
  }
  return false
}

/** It is to blame: it rests, and what is decided without it serves. */
export async function giveUpRunning(
  activator: Activator,
  error: AfieldError,
  network: boolean,
): Promise<void> {
  const { running, serving } = activator
  if (!running) return
  await serving.ruleOut(running.served, running.descriptor, error, REST_MS)
  await activator.reconcile(network)
}
