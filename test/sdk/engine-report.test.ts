import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Reporter } from '../../packages/sdk/dist/engine/reporter.js'
import type { EngineReport } from '../../packages/sdk/dist/engine/messages.js'

beforeEach(() => void vi.useFakeTimers())

afterEach(() => void vi.useRealTimers())

const MODEL = { model: 'm', version: '1.0.0' }
const REFERENCE = {
  data: 'a'.repeat(64),
  rows: 100,
  fields: { x: { kind: 'numeric', count: 100, missing: 0, edges: [1], counts: [50, 50] } },
}

function reporting(reference: unknown): { reporter: Reporter; told: EngineReport[] } {
  const told: EngineReport[] = []
  const reporter = new Reporter((report) => told.push(report))
  reporter.follow({ ...MODEL, reference })
  return { reporter, told }
}

const answer = (reporter: Reporter, x: number): void =>
  reporter.answered([{ input: { x } }], [{ outputs: {} }])

test('an engine tells what it counted once, about a second after its first answer', () => {
  const { reporter, told } = reporting(REFERENCE)
  answer(reporter, 0)
  answer(reporter, 5)
  vi.advanceTimersByTime(500)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1500)
  expect(told).toHaveLength(1)
  expect(told[0]?.tallied).toMatchObject({ ...MODEL, predictions: 2, counts: Float64Array.of(1, 1, 0) })
  answer(reporter, 5)
  reporter.report()
  expect(told[1]?.tallied).toMatchObject({ predictions: 1, counts: Float64Array.of(0, 1, 0) })
  reporter.report()
  expect(told[2]).not.toHaveProperty('tallied')
})

test('an engine of a version without a profile has nothing to tell, and says so when it is asked', () => {
  const { reporter, told } = reporting(undefined)
  answer(reporter, 0)
  vi.advanceTimersByTime(60_000)
  expect(told).toEqual([])
  reporter.report()
  expect(told).toEqual([{ heapBytes: 0 }])
})

test('a profile that cannot be read is said once, and costs no answer', () => {
  const { reporter, told } = reporting({ fields: 'many' })
  answer(reporter, 0)
  reporter.report()
  reporter.report()
  expect(told[0]?.unreadable).toMatchObject({ code: 'descriptor/invalid' })
  expect(told[0]).not.toHaveProperty('tallied')
  expect(told[1]).toEqual({ heapBytes: 0 })
})
