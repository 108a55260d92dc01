import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { VersionReport, VersionsReport } from '@afield/collector'
import { startCollector, type Collector } from '@afield/collector'
import { afterTest } from '../../clean-up.js'
import { startWire, type Wire } from './wire.js'

const KEY = 'test-app'

/** A real collector, and the wire to it, which can fail. */
export interface TestCollector {
  readonly wire: Wire
  /** What a device is told of it. Batches tell everything, however little. */
  readonly telemetry: {
    readonly endpoint: string
    readonly key: string
    readonly basis: 'legitimate-interest'
    readonly floor: number
  }
  /** What it publishes about a version. */
  version(version: string): Promise<VersionReport | undefined>
  /** Answers that it counted for a version; 0 when it has not heard of it. */
  served(version: string): Promise<number>
  stop(): Promise<void>
  start(): Promise<void>
}

/** Starts a collector for one test, on a store of its own. */
export async function makeCollector(): Promise<TestCollector> {
  const dataDir = await mkdtemp(join(tmpdir(), 'afield-collector-'))
  afterTest(() => rm(dataDir, { recursive: true, force: true }))
  const open = (port = 0): Promise<Collector> => startCollector({ dataDir, keys: [KEY], cellFloor: 1, port })
  let collector = await open()
  afterTest(() => collector.close())
  const { url } = collector
  const wire = await startWire(url)
  afterTest(() => wire.close())

  const version = async (wanted: string): Promise<VersionReport | undefined> => {
    const { versions } = (await (await fetch(`${url}/v1/versions`)).json()) as VersionsReport
    return versions.find((one) => one.version === wanted)
  }
  return {
    wire,
    telemetry: { endpoint: `${wire.url}/v1/batches`, key: KEY, basis: 'legitimate-interest', floor: 1 },
    version,
    served: async (wanted) => {
      const report = await version(wanted)
      return report && !report.withheld ? report.served : 0
    },
    stop: () => collector.close(),
    start: async () => {
      collector = await open(Number(new URL(url).port))
    },
  }
}
