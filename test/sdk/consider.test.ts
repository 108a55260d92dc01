import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { considerBackends, type Worked } from '../../packages/sdk/dist/router/consider.js'

beforeEach(() => void vi.useFakeTimers())

afterEach(() => void vi.useRealTimers())

/** A set that has worked, and when the keeper was asked about it, in ms from the start. */
function worked(): { set: Worked & { isIdle: boolean }; asked: number[] } {
  const set = { ranMs: 500, together: 1, isIdle: true, onIdle: undefined }
  const asked: number[] = []
  const began = performance.now()
  considerBackends(set, 'auto', () => {
    asked.push(performance.now() - began)
    return Promise.resolve(Infinity)
  })
  return { set, asked }
}

async function every(ms: number, forMs: number, tick: () => void): Promise<void> {
  for (let passed = 0; passed < forMs; passed += ms) {
    await vi.advanceTimersByTimeAsync(ms)
    tick()
  }
}

test('a page that has what it asked for is considered after a moment', async () => {
  const { asked } = worked()
  await vi.advanceTimersByTimeAsync(2600)
  expect(asked).toEqual([200])
})

test('a page that asks again and again, with gaps, is considered in one of these', async () => {
  const { set, asked } = worked()
  await every(50, 2600, () => set.onIdle?.())
  expect(asked).toEqual([2000])
})

test('a page without a gap is considered no later', async () => {
  const { set, asked } = worked()
  set.isIdle = false
  await every(50, 2600, () => {
    set.isIdle = true
    set.onIdle?.()
    set.isIdle = false
  })
  expect(asked).toEqual([2000])
})

test('a page that asks for another backend asks for the one before it no more', async () => {
  const asked: string[] = []
  const set: Worked = { ranMs: 500, together: 1, isIdle: false, onIdle: undefined }
  const keeper = (again: number) => (load: { readonly backend: string }) => {
    asked.push(load.backend)
    return Promise.resolve(again)
  }
  considerBackends(set, 'webgpu', keeper(0))
  await vi.advanceTimersByTimeAsync(300)
  expect(asked).toEqual(['webgpu'])
  considerBackends(set, 'auto', keeper(0))
  await vi.advanceTimersByTimeAsync(5000)
  expect(asked[0]).toBe('webgpu')
  expect(new Set(asked.slice(1))).toEqual(new Set(['auto']))
})

test('nor does an answer that comes late end the wait of the one after it', async () => {
  const set: Worked = { ranMs: 500, together: 1, isIdle: true, onIdle: undefined }
  let answer = (_again: number): void => undefined
  considerBackends(set, 'webgpu', () => new Promise((resolve) => (answer = resolve)))
  await vi.advanceTimersByTimeAsync(300)
  considerBackends(set, 'auto', () => Promise.resolve(1000))
  const { onIdle } = set
  answer(Infinity)
  await vi.advanceTimersByTimeAsync(300)
  expect(set.onIdle).toBe(onIdle)
})
