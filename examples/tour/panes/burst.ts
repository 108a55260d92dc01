import type { Model } from 'afield'
import { find, make } from '../element.js'
import { formatCount, formatMs, quantile } from '../format.js'

const COUNT = 1000
/** Long tasks are told to observers a little after they end. */
const OBSERVER_LAG_MS = 120

interface Burst {
  readonly latencies: readonly number[]
  readonly totalMs: number
  /** Versions, or the fallback. */
  readonly answeredBy: ReadonlySet<string>
  /** Longest task of the page meanwhile: 0 when none was over 50 ms, `undefined` where nobody can tell. */
  readonly longestTaskMs: number | undefined
}

type Ask = (at: number) => Promise<void>

/** The ways to ask a thousand times. */
const WAYS = {
  '#in-turn': async (ask: Ask): Promise<void> => {
    for (let at = 0; at < COUNT; at += 1) await ask(at)
  },
  '#at-once': async (ask: Ask): Promise<void> => {
    await Promise.all(Array.from({ length: COUNT }, (_, at) => ask(at)))
  },
} as const

/** The buttons that ask a thousand times, and what came of it. */
export function mountBurst(root: HTMLElement, model: Promise<Model>): void {
  const result = find(root, '.burst-result', HTMLElement)
  const buttons = Object.entries(WAYS).map(([selector, way]) => {
    const button = find(root, selector, HTMLButtonElement)
    return { button, way }
  })
  const busy = (): boolean => buttons.some(({ button }) => button.ariaBusy === 'true')
  for (const { button, way } of buttons) {
    button.addEventListener('click', () => {
      if (busy()) return
      button.ariaBusy = 'true'
      model
        .then((loaded) => runBurst(loaded, way))
        .then(
          (burst) => result.replaceChildren(...summary(burst)),
          (error: unknown) =>
            result.replaceChildren(
              make('p', { class: 'alarm' }, error instanceof Error ? error.message : ''),
            ),
        )
        .finally(() => {
          button.ariaBusy = 'false'
        })
    })
  }
}

async function runBurst(model: Model, way: (ask: Ask) => Promise<void>): Promise<Burst> {
  const tasks = watchLongTasks()
  const latencies: number[] = []
  const answeredBy = new Set<string>()
  const began = performance.now()
  await way(async (at) => {
    const record = { hours_studied: (at * 7) % 60, quiz_score: (at * 13) % 100 }
    const { latencyMs, modelVersion, servedBy } = await model.predict(record)
    latencies.push(latencyMs)
    answeredBy.add(
      servedBy === 'model' || servedBy === 'previous' ? modelVersion : `the fallback (${servedBy})`,
    )
  })
  const totalMs = performance.now() - began
  await new Promise((resolve) => setTimeout(resolve, OBSERVER_LAG_MS))
  return { latencies, totalMs, answeredBy, longestTaskMs: tasks?.(began) }
}

function watchLongTasks(): ((since: number) => number) | undefined {
  if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return undefined
  const tasks: PerformanceEntry[] = []
  const observer = new PerformanceObserver((list) => void tasks.push(...list.getEntries()))
  observer.observe({ type: 'longtask' })
  return (since) => {
    tasks.push(...observer.takeRecords())
    observer.disconnect()
    return Math.max(0, ...tasks.filter((task) => task.startTime >= since).map((task) => task.duration))
  }
}

function summary({ latencies, totalMs, answeredBy, longestTaskMs }: Burst): readonly HTMLElement[] {
  const at = (q: number): string => formatMs(quantile(latencies, q) ?? 0)
  const figures = [
    [at(0.5), 'p50'],
    [at(0.95), 'p95'],
    [formatMs(totalMs), 'all'],
    [formatCount(Math.round((latencies.length / totalMs) * 1000)), 'a second'],
  ] as const
  return [
    make(
      'dl',
      { class: 'counts' },
      ...figures.map(([value, name]) => make('div', {}, make('dd', {}, value), make('dt', {}, name))),
    ),
    make(
      'p',
      { class: 'hint' },
      `${formatCount(latencies.length)} answers by ${[...answeredBy].join(' and ')}. ${smoothness(longestTaskMs)}`,
    ),
  ]
}

function smoothness(longestTaskMs: number | undefined): string {
  if (longestTaskMs === undefined) return 'This browser does not report long tasks.'
  if (longestTaskMs === 0) return 'The page stayed smooth: no task over 50 ms.'
  return `The page's longest task took ${formatMs(longestTaskMs)}.`
}
