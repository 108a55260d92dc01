import { AfieldError } from '@afield/protocol'
import { expect, test } from 'vitest'
import { Counting } from '../../packages/sdk/dist/router/counting.js'
import type { Recording } from '../../packages/sdk/dist/router/recording.js'
import { Counted, served } from './support/monitoring.js'

/** The file that counts, of which only the monitor is of interest here. */
function recordingOf({ monitor }: Counted): Recording {
  return monitor as unknown as Recording
}

test('nothing is loaded before there is something to count, and nothing that happened meanwhile is lost', async () => {
  const counted = new Counted()
  let loads = 0
  let come: () => void = () => undefined
  const counting = new Counting(
    async () => {
      loads += 1
      await new Promise<void>((resolve) => (come = resolve))
      return recordingOf(counted)
    },
    () => undefined,
  )
  expect(loads).toBe(0)
  for (let i = 0; i < 1000; i++) counting.answered(served(), 5, performance.now())
  counting.failed(served(), 'engine/hung', 3)
  counting.fellBack('m', 'constant', 1, 3, true)
  expect([loads, counted.model.served.length]).toEqual([1, 0])
  come()
  await counting.open()
  counting.answered(served(), 5, performance.now())
  expect(loads).toBe(1)
  expect(counted.model.served[0]?.latencies.count).toBe(1001)
  expect(counted.model.served[0]?.errors.get('engine/hung')).toBe(3)
  expect(counted.model.fallback.constant).toBe(3)
})

test('a file that does not come is said once, costs no prediction, and is asked for again by whoever reads', async () => {
  const counted = new Counted()
  const complaints: unknown[] = []
  const missing = new AfieldError('internal/unexpected', 'The file is gone.')
  let isThere = false
  const counting = new Counting(
    () => (isThere ? Promise.resolve(recordingOf(counted)) : Promise.reject(missing)),
    (cause) => complaints.push(cause),
  )
  for (let i = 0; i < 100; i++) {
    counting.answered(served(), 5, performance.now())
    await Promise.resolve()
  }
  await counting.handOver()
  expect(complaints).toEqual([missing])
  await expect(counting.open()).rejects.toBe(missing)
  isThere = true
  await counting.open()
  counting.answered(served(), 5, performance.now())
  expect(counted.model.served[0]?.latencies.count).toBe(1)
})
