import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveRepository } from '@afield/cli'
import { startCollector } from '@afield/collector'
import { AfieldError } from '@afield/protocol'
import { buildSite } from '@afield/site'
import { buildPages } from './build/pages.js'
import type { TourConfig } from './team/api.js'
import { startFleet } from './team/fleet-process.js'
import { choosePort } from './team/port.js'
import { createRepository, publishFirst } from './team/repository.js'
import { serveSite } from './team/site.js'
import { Team } from './team/team.js'

export interface TourOptions {
  /**
   * Port of the pages; the repository and the collector take the two after it. A port that is taken gives way to a
   * free one; 0 takes free ones. 7420 when left out.
   */
  readonly port?: number
  /** 60 when left out. */
  readonly devices?: number
  /** Time within which devices look for what the team did, one after the other to be watched; 2,500 when left out. */
  readonly newsWithinMs?: number
  /** Hears what a person should know; default the console. */
  readonly log?: (line: string) => void
}

export interface Tour {
  readonly urls: {
    readonly tour: string
    readonly learnerRisk: string
    readonly contentCheck: string
    readonly digitReader: string
    /** The collector's dashboard; `undefined` when there is no collector. */
    readonly dashboard: string | undefined
    readonly repository: string
    /** Guides, and a page for every error code. */
    readonly docs: string
  }
  /** Ends everything that was started. */
  close(): Promise<void>
}

/** What must be ended, last started first. */
interface Open {
  close(): Promise<void> | void
}

export const DEFAULT_PORT = 7420
export const DEFAULT_DEVICES = 60

const PROJECT_ROOT = fileURLToPath(new URL('..', import.meta.url))
const INGEST_KEY = 'tour-development-key'

/**
 * Makes the example repository anew and starts all that the tour needs, on this machine alone: the repository's
 * server, a collector with development floors, the pages with the team's server, and a fleet.
 *
 * @throws Error when something does not start; what had started is ended then.
 */
export async function startTour(options: TourOptions = {}): Promise<Tour> {
  const opened: Open[] = []
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0).reverse()) await part.close()
  }
  try {
    return { urls: await start(options, opened), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  { port = DEFAULT_PORT, devices = DEFAULT_DEVICES, newsWithinMs = 2500, log = console.log }: TourOptions,
  opened: Open[],
): Promise<Tour['urls']> {
  const ports = await choosePorts(port)
  const folder = await freshFolder(ports.site, opened)
  const repo = join(PROJECT_ROOT, folder, 'repository')
  const root = await createRepository(repo)
  const repository = await serveRepository(repo, { port: ports.repository })
  opened.push(repository)

  const origin = `http://127.0.0.1:${ports.site}`
  const config: TourConfig = {
    repository: repository.url,
    root,
    collector: `http://127.0.0.1:${ports.collector}`,
    ingestKey: INGEST_KEY,
    learnerRisk: `${origin}/learner-risk/`,
    contentCheck: `${origin}/content-check/`,
    digitReader: `${origin}/digit-reader/`,
    docs: `${origin}/docs/`,
  }
  const origins = new Set([origin, `http://localhost:${ports.site}`])
  const site = join(PROJECT_ROOT, folder, 'site')
  const parts = [
    openCollector(join(PROJECT_ROOT, folder, 'collector'), ports.collector, origins, log, opened),
    publishFirst(PROJECT_ROOT, repo),
    buildPages(site, config),
    buildSite(join(site, 'docs')),
  ] as const
  // When one fails, the others must not go on writing into a folder that is removed.
  await Promise.allSettled(parts)
  const [collector] = await Promise.all(parts)

  const fleet = startFleet({
    projectRoot: PROJECT_ROOT,
    repository: repository.url,
    rootFile: join(repo, 'metadata/1.root.json'),
    devices,
    newsWithinMs,
    telemetry: collector === undefined ? undefined : { collector, key: INGEST_KEY },
  })
  opened.push(fleet)
  const team = await Team.open({ projectRoot: PROJECT_ROOT, repo: `${folder}/repository`, fleet })
  opened.push(team)
  const server = await serveSite({ folder: site, port: ports.site, team, config, origins })
  opened.push(server)
  return {
    tour: `${origin}/tour/`,
    learnerRisk: config.learnerRisk,
    contentCheck: config.contentCheck,
    digitReader: config.digitReader,
    dashboard: collector === undefined ? undefined : `${collector}/`,
    repository: repository.url,
    docs: config.docs,
  }
}

async function choosePorts(
  first: number,
): Promise<{ readonly site: number; readonly repository: number; readonly collector: number }> {
  const wanted = (offset: number): number => (first === 0 ? 0 : first + offset)
  return {
    site: await choosePort(wanted(0)),
    repository: await choosePort(wanted(1)),
    collector: await choosePort(wanted(2)),
  }
}

/** The folder's name from the project's folder. Two tours at once have different ports, so different folders. */
async function freshFolder(port: number, opened: Open[]): Promise<string> {
  const usual = port === DEFAULT_PORT
  const folder = usual ? '.afield/tour' : `.afield/tour-${port}`
  const path = join(PROJECT_ROOT, folder)
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 })
  await remove()
  await mkdir(path, { recursive: true })
  if (!usual) opened.push({ close: remove })
  return folder
}

/** Starts the collector, or says in one line what it lacks and goes on without. */
async function openCollector(
  dataDir: string,
  port: number,
  origins: ReadonlySet<string>,
  log: (line: string) => void,
  opened: Open[],
): Promise<string | undefined> {
  try {
    const collector = await startCollector({
      dataDir,
      port,
      keys: [INGEST_KEY],
      cellFloor: 1,
      readOrigins: [...origins],
      // The whole fleet has one address here.
      rateLimit: { burst: 5000, perSecond: 500 },
    })
    opened.push(collector)
    return collector.url
  } catch (error) {
    if (!(error instanceof AfieldError && error.code === 'storage/unavailable')) throw error
    log(`No collector: ${error.message}`)
    return undefined
  }
}
