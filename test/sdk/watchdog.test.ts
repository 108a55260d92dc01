import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Watchdog, type Watched } from '../../packages/sdk/dist/router/watchdog.js'

let runs: Watched[]
let hung: (readonly [Watched, number])[]
let limitMs: number
let watchdog: Watchdog<Watched>

beforeEach(() => {
  vi.useFakeTimers()
  runs = []
  hung = []
  limitMs = 30_000
  watchdog = new Watchdog({
    limitMs: () => limitMs,
    runs: () => runs,
    onHung: (run, byMs) => {
      hung.push([run, byMs])
      runs = runs.filter((one) => one !== run)
    },
  })
})

afterEach(() => void vi.useRealTimers())

function run(): Watched {
  const begun = { seen: performance.now() }
  runs.push(begun)
  watchdog.watch()
  return begun
}

test('a run hangs when it was seen to go on so long ago, whatever else runs', () => {
  const first = run()
  vi.advanceTimersByTime(10_000)
  const second = run()
  vi.advanceTimersByTime(19_999)
  expect(hung).toEqual([])
  second.seen = performance.now()
  vi.advanceTimersByTime(1)
  expect(hung).toEqual([[first, 30_000]])
  vi.advanceTimersByTime(29_999)
  expect(hung).toEqual([
    [first, 30_000],
    [second, 30_000],
  ])
  expect(vi.getTimerCount()).toBe(0)
})

test('a shorter limit holds from the next run on, also for those before it', () => {
  const first = run()
  vi.advanceTimersByTime(400)
  limitMs = 500
  const second = run()
  vi.advanceTimersByTime(100)
  expect(hung).toEqual([[first, 500]])
  vi.advanceTimersByTime(400)
  expect(hung).toEqual([
    [first, 500],
    [second, 500],
  ])
  expect(vi.getTimerCount()).toBe(0)
})

test('a longer one costs nobody its run', () => {
  limitMs = 500
  const only = run()
  limitMs = 30_000
  vi.advanceTimersByTime(29_999)
  expect(hung).toEqual([])
  vi.advanceTimersByTime(1)
  expect(hung).toEqual([[only, 30_000]])
})
