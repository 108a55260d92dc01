import type { AfieldOptions, LoadOptions, Model } from 'afield'
import type { Page } from '../browser/browser.js'

declare global {
  var engines: Worker[]
  var crowd: Crowd
}

/** What became of calls: how many were asked, how many have ended, and whatever should not have happened. */
export interface Tally {
  readonly asked: number
  readonly settled: number
  readonly answered: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly wrong: readonly string[]
}

interface Crowd {
  readonly tally: Tally
  stop(): void
}

export interface CrowdOptions {
  readonly seed: number
  readonly perSecond: number
  /** What versions start to count from. */
  readonly from: Readonly<Record<string, number>>
  /** What a fallback without a version answers; `undefined` where there is none. */
  readonly constant: number | undefined
}

/** Has the page keep its engines at hand, so that they can be killed. */
export function watchEngines(page: Page): Promise<void> {
  return page.evaluate(() => {
    globalThis.engines = []
    globalThis.Worker = class extends Worker {
      constructor(url: string | URL, init?: WorkerOptions) {
        super(url, init)
        if (init?.name?.startsWith('afield engine')) engines.push(this)
      }
      override terminate(): void {
        super.terminate()
        globalThis.engines = engines.filter((engine) => engine !== this)
      }
    }
  })
}

/** One of the page's engines dies, as of a full memory. */
export function killEngine(page: Page, chance: number): Promise<void> {
  return page.evaluate((at) => {
    const engine = engines[Math.floor(at * engines.length)]
    engine?.terminate()
    // What a browser sends then; one that is ended by hand sends nothing.
    engine?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory', cancelable: true }))
  }, chance)
}

export function loadCounting(page: Page, options: object, how: LoadOptions): Promise<void> {
  return page.evaluate(
    async ({ options: given, how: serving }) => {
      globalThis.afield ??= createAfield({ ...(given as AfieldOptions), logger: () => undefined })
      globalThis.model = (await afield.load('counts-up', serving)) as Model
    },
    { options, how },
  )
}

/**
 * Has the page ask all the time, in every way that an app may: alone, many together, with time limits, with signals that
 * abort, with what the contract refuses. Each answer is compared with what its version must say.
 */
export function startCrowd(page: Page, options: CrowdOptions): Promise<void> {
  return page.evaluate((given) => {
    let state = given.seed >>> 0
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 32
    }
    const tally = {
      asked: 0,
      settled: 0,
      answered: {} as Record<string, number>,
      errors: {} as Record<string, number>,
      wrong: [] as string[],
    }
    const add = (counts: Record<string, number>, key: string): void => {
      counts[key] = (counts[key] ?? 0) + 1
    }
    const check = (upTo: number, version: string, servedBy: string, counted: unknown): void => {
      add(tally.answered, `${servedBy} ${version}`)
      const from = given.from[version]
      const expected = from === undefined ? given.constant : from + upTo
      if (counted !== expected) {
        tally.wrong.push(`${servedBy} ${version} counted ${String(counted)} for ${upTo}`)
      }
    }
    const alone = async (how: object): Promise<void> => {
      const upTo = Math.floor(random() * 300)
      const { outputs, modelVersion, servedBy } = await model.predict({ up_to: upTo }, how)
      check(upTo, modelVersion, servedBy, outputs['counted'])
    }
    const together = async (): Promise<void> => {
      const inputs = Array.from({ length: 40 }, () => ({ up_to: Math.floor(random() * 300) }))
      const { results, failures, modelVersion, servedBy } = await model.predictMany(inputs)
      for (const { index, outputs } of results) {
        check(inputs[index]?.up_to ?? -1, modelVersion, servedBy, outputs['counted'])
      }
      for (const { error } of failures) add(tally.errors, error.code)
      if (results.length + failures.length !== inputs.length) tally.wrong.push('predictMany lost a candidate')
    }
    const refused = async (): Promise<void> => {
      const { servedBy } = await model.predict({ up_to: 'many' })
      // Where nobody is there who knows the contract, the app's own answer stands.
      if (servedBy !== 'constant') tally.wrong.push(`an input that is none was answered: ${servedBy}`)
    }
    const aborting = async (): Promise<void> => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(), random() * 30)
      await alone({ signal: controller.signal })
    }
    const call = (): Promise<void> => {
      const what = random()
      if (what < 0.7) return alone({})
      if (what < 0.8) return alone({ timeoutMs: 1 + random() * 50 })
      if (what < 0.9) return aborting()
      return what < 0.95 ? together() : refused()
    }
    const ask = async (): Promise<void> => {
      tally.asked += 1
      try {
        await call()
      } catch (error) {
        add(tally.errors, error instanceof AfieldError ? error.code : String(error))
      }
      tally.settled += 1
    }
    const timer = setInterval(() => void ask(), 1000 / given.perSecond)
    globalThis.crowd = { tally, stop: () => clearInterval(timer) }
  }, options)
}

/** @returns what became of every call, once nothing is under way any more or `withinMs` are over. */
export function settle(page: Page, withinMs: number): Promise<Tally> {
  return page.evaluate(async (limit) => {
    crowd.stop()
    const end = performance.now() + limit
    while (crowd.tally.settled < crowd.tally.asked && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return crowd.tally
  }, withinMs)
}
