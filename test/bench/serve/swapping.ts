import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changeRollout, initRepository, publish } from '@afield/cli'
import type { Afield, AfieldOptions, LoadOptions, Model } from 'afield'
import type { Page } from '../../browser/browser.js'
import { launchChromium } from '../../browser/chromium.js'
import { startServer } from '../../servers/static.js'
import { buildApp } from '../../support/app/build.js'
import { LARGE_MLP, writeLargeMlp } from '../../support/large-mlp.js'

export const VERSIONS = ['1.0.0', '2.0.0'] as const
export type LargeVersion = (typeof VERSIONS)[number]

/** What the two versions answer to one input. */
interface Golden {
  readonly input: Record<string, number>
  readonly outputs: Readonly<Record<LargeVersion, Readonly<Record<string, number>>>>
}

/** One prediction: when it was asked, in ms of the page's clock, and what became of it. */
export interface Sample {
  readonly at: number
  readonly ms: number
  readonly version: string | undefined
  readonly backend: string | undefined
  /** Answered, and as that version answers. */
  readonly right: boolean
  /** The code of the error that came instead. */
  readonly error?: string
}

declare global {
  var afield: Afield
  var model: Model
  var load: { readonly samples: Sample[]; readonly longTasks: number[]; stop(): void }
}

/** A page that serves a model of 38 MB, of which the team has two versions to switch between. */
export interface Swapping {
  readonly page: Page
  /** Makes a version the one that every device should run; the page has not heard of it yet. */
  choose(version: LargeVersion): Promise<void>
  /** The page looks for news and serves them; ms of its clock from the look to the swap. */
  follow(): Promise<{ readonly began: number; readonly served: number }>
  /** From now on the page asks so many predictions a second, whether they are answered or not. */
  ask(perSecond: number): Promise<void>
  /** Stops asking, and waits for what was asked. */
  stop(): Promise<{ readonly samples: readonly Sample[]; readonly longTasks: readonly number[] }>
  /** Milliseconds of the page's clock. */
  now(): Promise<number>
  close(): Promise<void>
}

export interface SwappingOptions {
  readonly options?: Partial<AfieldOptions>
  readonly serving?: Pick<LoadOptions, 'workers' | 'backend'>
  readonly launch?: typeof launchChromium
  readonly isolated?: boolean
}

export async function startSwapping({
  options = {},
  serving = {},
  launch = launchChromium,
  isolated = false,
}: SwappingOptions = {}): Promise<Swapping> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-swapping-'))
  const repo = join(folder, 'repo')
  const { root } = await initRepository({ repo })
  const golden = await publishVersions(folder, repo)
  await buildApp({
    root: join(import.meta.dirname, '..', '..', 'support', 'app'),
    outDir: join(folder, 'app'),
    base: '/app/',
  })
  const choose = async (version: LargeVersion): Promise<void> => {
    await changeRollout({ repo, author: 'Bench' }, LARGE_MLP, { kind: 'start', stable: version })
  }
  await choose(VERSIONS[0])
  const server = await startServer({ mounts: { '/app': join(folder, 'app'), '/repo': repo }, isolated })
  const browser = await launch()
  const page = await browser.open(`${server.url}/app/`)
  await page.evaluate(
    async ({ name, how, ...given }) => {
      globalThis.afield = createAfield(given)
      globalThis.model = await afield.load(name, how)
    },
    {
      name: LARGE_MLP,
      how: serving,
      ...options,
      repository: `${server.url}/repo/`,
      root: await readFile(root, 'utf8'),
    },
  )
  return {
    page,
    choose,
    follow: () =>
      page.evaluate(async () => {
        const began = performance.now()
        await afield.check()
        return { began, served: performance.now() }
      }),
    ask: (perSecond) => ask(page, golden, perSecond),
    stop: () =>
      page.evaluate(async () => {
        load.stop()
        const { samples, longTasks } = load
        // Whatever still runs is answered before this one.
        await model.predict({}).catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, 500))
        return { samples: [...samples], longTasks: [...longTasks] }
      }),
    now: () => page.evaluate(() => performance.now()),
    close: async () => {
      await browser.close()
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function publishVersions(folder: string, repo: string): Promise<Golden> {
  const outputs: Partial<Record<LargeVersion, Record<string, number>>> = {}
  let input: Record<string, number> = {}
  for (const [i, version] of VERSIONS.entries()) {
    const dir = join(folder, version)
    await mkdir(dir)
    const { file } = await writeLargeMlp(dir, { lastLayer: i })
    await publish({ repo, model: file, version, skipReplay: true, author: 'Bench' })
    const [vector] = JSON.parse(await readFile(file.replace(/\.onnx$/, '.golden.json'), 'utf8')) as [
      { readonly input: Record<string, number>; readonly output: Record<string, number> },
    ]
    input = vector.input
    outputs[version] = vector.output
  }
  return { input, outputs: outputs as Golden['outputs'] }
}

function ask(page: Page, golden: Golden, perSecond: number): Promise<void> {
  return page.evaluate(
    ({ input, outputs, perSecond: rate }) => {
      const samples: Sample[] = []
      const longTasks: number[] = []
      const watch = new PerformanceObserver((list) => {
        longTasks.push(...list.getEntries().map(({ duration }) => duration))
      })
      watch.observe({ type: 'longtask' })
      const predict = async (): Promise<void> => {
        const at = performance.now()
        try {
          const { outputs: answer, modelVersion, backend } = await model.predict(input)
          const ms = performance.now() - at
          const expected: Readonly<Record<string, number>> = outputs[modelVersion as '1.0.0'] ?? {}
          const names = Object.keys(expected)
          const right =
            names.length > 0 &&
            names.every((name) => Math.abs(Number(answer[name]) - (expected[name] ?? NaN)) <= 1e-3)
          samples.push({ at, ms, version: modelVersion, backend, right })
        } catch (error) {
          const code = error instanceof AfieldError ? error.code : String(error)
          const ms = performance.now() - at
          samples.push({ at, ms, version: undefined, backend: undefined, right: false, error: code })
        }
      }
      const began = performance.now()
      let asked = 0
      // A timer that was late asks what it owes.
      const timer = setInterval(() => {
        const due = ((performance.now() - began) * rate) / 1000
        for (; asked < due; asked++) void predict()
      }, 1000 / rate)
      const stop = (): void => {
        clearInterval(timer)
        watch.disconnect()
      }
      globalThis.load = { samples, longTasks, stop }
    },
    { ...golden, perSecond },
  )
}
