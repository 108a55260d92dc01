import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { changeRollout, initRepository, publish, type RolloutAction } from '@afield/cli'
import { afterAll, expect, test } from 'vitest'
import { seededRandom } from '../../examples/fleet/random.js'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startOpenInference, type InferenceFault } from '../servers/open-inference.js'
import { startServer } from '../servers/static.js'
import { testApp } from '../support/app/test-app.js'
import { addsUp, countsUp } from '../support/models/graphs.js'
import { HARD_INPUTS, writeHardModel } from '../support/models/hard.js'
import {
  killEngine,
  loadCounting,
  settle,
  startCrowd,
  watchEngines,
  type CrowdOptions,
  type Tally,
} from './page-under-load.js'

const MODEL = 'counts-up'
/** What each version counts from, which tells their answers apart; `remote` is what the server says it is. */
const FROM = { '1.0.0': 1000, '2.0.0': 2000, remote: 3000 } as const
const CONSTANT = -1
const SECONDS = Number(process.env['SOAK_SERVING_SECONDS'] ?? 90)
const SEED = Number(process.env['SEED'] ?? 1)
/** Longer than any event takes, the bringing up of an engine on a busy machine among them. */
const SETTLE_MS = 60_000
/** Looks for news, loads and the like must end too. */
const EVENT_MS = 60_000
const HUNG_AFTER_MS = 1500
const MB = 1_000_000

/** Whatever a call may end with while such things happen; without a fallback, also that the model is switched off. */
const ALLOWED = ['aborted', 'engine/crashed', 'engine/hung', 'engine/timeout', 'input/invalid']
const ALLOWED_ALONE = [...ALLOWED, 'engine/overloaded', 'engine/unavailable', 'model/killed']

const cleanUps: (() => Promise<unknown>)[] = []

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

const HOST_FAULTS = ['cut', 'truncate', 'corrupt', 'html', 'refuse'] as const
const SERVER_FAULTS: readonly InferenceFault[] = [
  { kind: 'html' },
  { kind: 'status', status: 500 },
  { kind: 'busy', retryAfterSeconds: 1 },
  { kind: 'truncate' },
  { kind: 'wrong-shape' },
  { kind: 'refuse' },
  { kind: 'hang', times: 3 },
]

/**
 * A page that is asked all the time lives through what can happen to it, in an order that the seed decides: versions
 * change, the team switches the model off and on, engines die and hang, the GPU goes, the network fails. Whatever
 * happens, every call ends, no version's answer is another's, and no memory or worker stays behind.
 */
test.for([
  ['without a fallback', false],
  ['with a server and a constant to fall back on', true],
] as const)(
  'a page %s answers on, whatever happens',
  { timeout: (SECONDS + 180) * 1000 },
  async ([, fallback]) => {
    const random = seededRandom(SEED + Number(fallback))
    const world = await startTeam()
    const browser = await launchChromium({ softwareGpu: true })
    cleanUps.push(() => browser.close())
    const page = await browser.open(world.url)
    const uncaught: string[] = []
    page.onConsole(({ level, text }) => {
      if (level === 'uncaught') uncaught.push(text)
    })
    await watchEngines(page)
    const remote = fallback ? await startRemote(world.remoteModel) : undefined
    const how = {
      workers: 2,
      hungAfterMs: HUNG_AFTER_MS,
      ...(remote && {
        fallback: { remote: { url: remote.url, timeoutMs: 2000 }, answer: { counted: CONSTANT } },
      }),
    } as const
    const load = (more: object = {}): Promise<void> =>
      loadCounting(page, { repository: world.repository, root: world.root }, { ...how, ...more })
    await load()
    const crowd: CrowdOptions = {
      seed: SEED,
      perSecond: 25,
      from: { ...FROM, 7: FROM.remote },
      constant: fallback ? CONSTANT : undefined,
    }
    await startCrowd(page, crowd)
    await wait(3000)
    const before = await page.usage()

    const events = eventsOf({ world, browser, page, random, load, remote })
    const end = Date.now() + SECONDS * 1000
    const happened: string[] = []
    while (Date.now() < end) {
      const [name, event] = events[Math.floor(random() * events.length)] ?? []
      if (!name || !event) throw new Error('nothing can happen')
      happened.push(name)
      await within(EVENT_MS, name, event())
      await wait(random() * 1500)
    }

    await world.calm(browser)
    remote?.clearFaults()
    await within(EVENT_MS, 'load', load({ backend: 'auto' }))
    await wait(2000)
    const tally = await settle(page, SETTLE_MS)
    report(fallback, happened, tally)
    expect(tally.settled).toBe(tally.asked)
    expect(tally.wrong).toEqual([])
    const allowed = fallback ? ALLOWED : ALLOWED_ALONE
    expect(Object.keys(tally.errors).filter((code) => !allowed.includes(code))).toEqual([])
    expect(answers(tally)).toBeGreaterThan(tally.asked / 3)
    expect(uncaught).toEqual([])

    await wait(3000)
    const after = await page.usage()
    expect(after.workers).toBeLessThanOrEqual(before.workers + (fallback ? 1 : 0))
    expect(after.heapBytes - before.heapBytes).toBeLessThan(4 * MB)
    expect(after.processBytes - before.processBytes).toBeLessThan(150 * MB)
    await within(
      EVENT_MS,
      'close',
      page.evaluate(() => afield.close()),
    )
    await expect.poll(() => page.usage().then(({ workers }) => workers), { timeout: 15_000 }).toBe(0)
  },
)

async function within(ms: number, what: string, work: Promise<void>): Promise<void> {
  const late = wait(ms, 'late', { ref: false })
  if ((await Promise.race([work, late])) === 'late') throw new Error(`"${what}" did not end in ${ms} ms`)
}

type Team = Awaited<ReturnType<typeof startTeam>>
type Remote = Awaited<ReturnType<typeof startRemote>>

interface Stage {
  readonly world: Team
  readonly browser: Browser
  readonly page: Page
  readonly random: () => number
  readonly load: (more?: object) => Promise<void>
  readonly remote: Remote | undefined
}

/** What can happen, each of which leaves the page to itself afterwards. */
function eventsOf({
  world,
  browser,
  page,
  random,
  load,
  remote,
}: Stage): readonly (readonly [name: string, event: () => Promise<void>])[] {
  const check = (): Promise<void> =>
    page.evaluate(async () => {
      await afield.check().catch((error: unknown) => {
        if (!(error instanceof AfieldError)) throw error
      })
    })
  const pick = <T>(list: readonly T[]): T => {
    const item = list[Math.floor(random() * list.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
  const swap = async (): Promise<void> => {
    await world.rollout({ kind: 'start', stable: pick(['1.0.0', '2.0.0']) })
    await check()
  }
  return [
    ['swap', swap],
    ['swap', swap],
    [
      'kill and revive',
      async () => {
        await world.rollout({ kind: 'kill', what: 'model' })
        await check()
        await wait(random() * 1000)
        await world.rollout({ kind: 'revive' })
        await check()
      },
    ],
    ['engine dies', () => killEngine(page, random())],
    ['engine dies', () => killEngine(page, random())],
    [
      'run hangs',
      () =>
        page.evaluate((input) => {
          void model.predict(input).catch(() => undefined)
        }, HARD_INPUTS['counts-up'].bad),
    ],
    [
      'host fails',
      async () => {
        world.server.fault('/repo/**', { kind: pick(HOST_FAULTS), times: 3 })
        await swap()
        world.server.clearFaults()
      },
    ],
    [
      'network goes',
      async () => {
        await browser.setOffline(true)
        await check()
        await wait(random() * 1000)
        await browser.setOffline(false)
      },
    ],
    ['other backend', () => load({ backend: pick(['wasm', 'auto', 'webgpu']) })],
    ['gpu goes', () => browser.crashGpu()],
    ['other pool', () => load({ workers: pick([1, 2]) })],
    ...(remote ? [['server fails', async () => remote.fault(pick(SERVER_FAULTS))] as const] : []),
    ...(remote ? [['server works', async () => remote.clearFaults()] as const] : []),
  ]
}

async function startTeam() {
  const folder = await mkdtemp(join(tmpdir(), 'afield-soak-'))
  cleanUps.push(() => rm(folder, { recursive: true, force: true }))
  const repo = join(folder, 'repo')
  const { root } = await initRepository({ repo })
  const write = async (version: keyof typeof FROM, graph = countsUp): Promise<string> => {
    const dir = join(folder, version)
    await mkdir(dir)
    return writeHardModel(dir, MODEL, {}, graph(FROM[version]))
  }
  for (const version of ['1.0.0', '2.0.0'] as const) {
    await publish({ repo, model: await write(version), version, author: 'Tests' })
  }
  const rollout = async (action: RolloutAction): Promise<void> => {
    await changeRollout({ repo, author: 'Tests' }, MODEL, action)
  }
  await rollout({ kind: 'start', stable: '1.0.0' })
  const server = await startServer({ mounts: { '/app': testApp(), '/repo': repo } })
  cleanUps.push(() => server.close())
  return {
    server,
    rollout,
    url: `${server.url}/app/`,
    repository: `${server.url}/repo/`,
    root: await readFile(root, 'utf8'),
    // What hangs on the page does not hang there: it runs in this very process.
    remoteModel: await write('remote', addsUp),
    /** Nothing is wrong any more. */
    async calm(browser: Browser): Promise<void> {
      server.clearFaults()
      await browser.setOffline(false)
    },
  }
}

async function startRemote(model: string) {
  const server = await startOpenInference({ models: { [MODEL]: model }, version: '7' })
  cleanUps.push(() => server.close())
  return server
}

function answers({ answered }: Tally): number {
  return Object.values(answered).reduce((sum, count) => sum + count, 0)
}

function report(fallback: boolean, happened: readonly string[], tally: Tally): void {
  const counts: Record<string, number> = {}
  for (const name of happened) counts[name] = (counts[name] ?? 0) + 1
  console.log(JSON.stringify({ seed: SEED, fallback, happened: counts, ...tally }))
}
