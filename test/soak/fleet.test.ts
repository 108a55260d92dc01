import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { startProcess, temporaryFolder, type CollectorProcess } from '../collector/collector-process.js'
import { MODEL, makeRepository, type TestRepository } from '../sdk/support/repository.js'
import { seededRandom } from '../../examples/fleet/random.js'
import { memoryStorage, startLife, type MortalDevice } from './mortal-device.js'

const DEVICES = 24
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 240)
const random = seededRandom(Number(process.env['SEED'] ?? 1))
const cleanUps: (() => Promise<unknown>)[] = []

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

/**
 * Devices live, die and come back while the team publishes, rolls out, takes back and breaks things, and while the
 * host and the collector fail in every way they can. Throughout, a device that served once always answers, never with
 * the broken version, and in the end every counted answer is in the collector, once.
 */
test(
  'a fleet under faults always answers, never wrongly, and every answer is counted once',
  async () => {
    const repository = await makeRepository(['1.0.0'])
    await repository.rollout({ kind: 'start', stable: '1.0.0' })
    const folder = await temporaryFolder()
    cleanUps.push(() => folder.remove())
    const collector = await startProcess(folder.path, '--rate-per-second', '10000')
    cleanUps.push(() => collector.stop())
    const fleet = Array.from({ length: DEVICES }, () => new SoakDevice(repository, collector))
    for (const device of fleet) await device.start()

    const end = Date.now() + SECONDS * 1000
    const team = runTeam(repository, end)
    const saboteur = runSaboteur(repository, end)
    await Promise.all(fleet.map((device) => device.live(end)))
    await Promise.all([team, saboteur])
    repository.server.clearFaults()

    for (const device of fleet) {
      await device.settle()
      expect(await device.versionAfterCheck()).toBe('2.0.0')
    }
    const { versions } = await collector.versions()
    const counted = versions.flatMap((row) => ('served' in row ? [row] : []))
    const answered = fleet.reduce((sum, device) => sum + device.answers, 0)
    expect(counted.reduce((sum, { served }) => sum + served, 0)).toBe(answered)
    expect(counted.filter(({ version, served }) => version === '3.0.0' && served > 0)).toEqual([])
    expect(answered).toBeGreaterThan(SECONDS * 10)
  },
  (SECONDS + 120) * 1000,
)

/** A device that predicts, checks, dies and starts again. */
class SoakDevice {
  answers = 0
  readonly #repository: TestRepository
  readonly #collector: CollectorProcess
  readonly #storage = memoryStorage()
  #life: MortalDevice | undefined

  constructor(repository: TestRepository, collector: CollectorProcess) {
    this.#repository = repository
    this.#collector = collector
  }

  get #device() {
    if (!this.#life) throw new Error('the device was not started')
    return this.#life.device
  }

  async start(): Promise<void> {
    this.#life = startLife(this.#storage, {
      repository: this.#repository.url,
      root: this.#repository.root,
      checkEveryMs: 3000,
      telemetry: {
        endpoint: `${this.#collector.url}/v1/batches`,
        key: 'test-app',
        basis: 'consent',
        sealEveryMs: 2000,
        floor: 1,
      },
    })
    await this.#device.load(MODEL)
  }

  async live(end: number): Promise<void> {
    while (Date.now() < end) {
      await wait(random() * 400)
      await this.#predict()
      const what = random()
      if (what < 0.1) await this.#device.check().catch(allowAfieldError)
      if (what > 0.97) await this.#die()
    }
  }

  /** Everything counted is handed over, sealed and sent. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      await this.#device.flush()
      const { pending, open } = await this.#device.telemetry()
      if (pending.length === 0 && open.length === 0) return
      await wait(200)
    }
    throw new Error('telemetry did not drain')
  }

  async versionAfterCheck(): Promise<string | undefined> {
    await this.#device.check()
    return (await this.#device.explain(MODEL)).version
  }

  async #predict(): Promise<void> {
    const { modelVersion } = await this.#device.predict(MODEL, {
      hours_studied: random() * 60,
      quiz_score: random() * 100,
    })
    if (modelVersion === '3.0.0') throw new Error('the broken version answered')
    this.answers += 1
  }

  async #die(): Promise<void> {
    // What was not handed over dies with the page; a browser's mark would carry it, and has its own test.
    await this.#device.telemetry()
    this.#life?.kill()
    await this.start()
  }
}

/** The team goes through its whole repertoire, and ends with 2.0.0 for everyone. */
async function runTeam(repository: TestRepository, end: number): Promise<void> {
  const pause = Math.max(500, (end - Date.now()) / 16)
  await repository.publish('2.0.0')
  await wait(pause)
  await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [500, 2500, 10_000] })
  await wait(pause)
  await repository.rollout({ kind: 'step' })
  await wait(pause)
  await repository.rollout({ kind: 'pause' })
  await wait(pause)
  await repository.rollout({ kind: 'abort' })
  await wait(pause)
  await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [5000, 10_000] })
  await wait(pause)
  await repository.rollout({ kind: 'kill', what: 'candidate' })
  await wait(pause)
  await repository.rollout({ kind: 'revive' })
  await repository.rollout({ kind: 'step' })
  await wait(pause)
  await repository.rollout({ kind: 'promote' })
  await repository.publish('3.0.0')
  await repository.rollout({ kind: 'start', candidate: '3.0.0', steps: [10_000] })
  await wait(2 * pause)
  await repository.rollout({ kind: 'abort' })
}

/** The host fails somewhere, in some way, for a while. */
async function runSaboteur({ server }: TestRepository, end: number): Promise<void> {
  const kinds = ['cut', 'truncate', 'corrupt', 'html', 'oversize', 'refuse'] as const
  const places = ['chunks/**', 'descriptors/**', 'targets/**', 'metadata/**', '**']
  while (Date.now() < end - 5000) {
    server.fault(`/repository/${pick(places)}`, { kind: pick(kinds) })
    await wait(random() * 3000)
    server.clearFaults()
    await wait(random() * 3000)
  }
}

function pick<T>(list: readonly T[]): T {
  const item = list[Math.floor(random() * list.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

function allowAfieldError(error: unknown): void {
  if (!(error instanceof Error && 'code' in error)) throw error
}
