import { histogram, type Histogram } from '@afield/protocol'
import type { PublishedVersion, VersionReport } from '@afield/collector'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcess, temporaryFolder, type CollectorProcess } from './collector-process.js'
import { sampleBatch } from './sample-batch.js'

const FLOOR = 5

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let collector: CollectorProcess

beforeAll(async () => {
  folder = await temporaryFolder()
  collector = await startProcess(folder.path, '--cell-floor', String(FLOOR))
})

afterAll(async () => {
  await collector.stop()
  await folder.remove()
})

async function reports(model: string): Promise<readonly VersionReport[]> {
  const answer = await fetch(`${collector.url}/v1/versions?model=${model}`)
  return ((await answer.json()) as { readonly versions: readonly VersionReport[] }).versions
}

function published(report: VersionReport | undefined): PublishedVersion {
  if (!report || report.withheld) throw new Error('not published')
  return report
}

const histogramOf = (durations: readonly number[]): Histogram =>
  durations.reduce((filled, ms) => histogram.record(filled, ms), {})

describe('a version on few devices is withheld', () => {
  test('nothing about it is said, until enough device-days have come together', async () => {
    const send = (changes = {}) => collector.post(sampleBatch({ ...changes, cell: { model: 'rare' } }))
    for (let device = 1; device < FLOOR; device++) await send()
    // More batches of the same devices on the same day are no further device-days.
    for (let more = 0; more < 20; more++) await send({ firstToday: false })
    expect(await reports('rare')).toEqual([{ model: 'rare', version: '1.0.0', withheld: true }])

    await send()
    expect(published((await reports('rare'))[0])).toMatchObject({
      deviceDays: FLOOR,
      served: (FLOOR + 20) * 20,
    })
  })

  test('nor do the shares of its siblings tell its volume', async () => {
    const send = (version: string) => collector.post(sampleBatch({ cell: { model: 'siblings', version } }))
    await Promise.all(Array.from({ length: FLOOR }, () => send('1.0.0')))
    await send('2.0.0')
    const [newest, oldest] = await reports('siblings')
    expect(newest).toEqual({ model: 'siblings', version: '2.0.0', withheld: true })
    expect(published(oldest).share).toBe(1)
  })
})

test('latencies of many devices: every quantile within 1.1 % of the exact one', async () => {
  const devices = 40
  const perDevice = 100
  // Two sorts of device, a long tail, the same numbers at every run.
  const latency = (i: number) =>
    (i % 5 === 0 ? 40 : 3) * Math.exp(Math.sin(i * 12.9898) + (i % 97 === 0 ? 3 : 0))
  const all: number[] = []
  const batches = Array.from({ length: devices }, (_, device) => {
    const durations = Array.from({ length: perDevice }, (_, i) => latency(device * perDevice + i))
    all.push(...durations)
    return sampleBatch({
      cell: {
        model: 'latencies',
        device: device % 2 ? 'mobile' : 'desktop',
        arm: device % 3 ? 'stable' : 'candidate',
      },
      ops: { count: perDevice, latency: histogramOf(durations) },
    })
  })
  await Promise.all(batches.map((batch) => collector.post(batch)))

  const report = published((await reports('latencies'))[0])
  const sorted = all.sort((a, b) => a - b)
  const exact = {
    mean: all.reduce((sum, ms) => sum + ms, 0) / all.length,
    p50: sorted[Math.ceil(0.5 * all.length) - 1] ?? NaN,
    p95: sorted[Math.ceil(0.95 * all.length) - 1] ?? NaN,
    p99: sorted[Math.ceil(0.99 * all.length) - 1] ?? NaN,
    max: sorted.at(-1) ?? NaN,
  }
  expect(report.served).toBe(all.length)
  const wrong = (['mean', 'p50', 'p95', 'p99', 'max'] as const).filter((name) => {
    const estimate = report.latencyMs?.[name] ?? NaN
    return !(Math.abs(estimate - exact[name]) / exact[name] < 0.011)
  })
  expect(wrong).toEqual([])
  expect(histogram.total(report.latency)).toBe(all.length)
})

test('counts, errors by code, success, share and health of each version', async () => {
  const send = (version: string, ops: Readonly<Record<string, unknown>>) =>
    Promise.all(
      Array.from({ length: FLOOR }, () =>
        collector.post(sampleBatch({ cell: { model: 'pair', version }, ops })),
      ),
    )
  await send('1.0.0', { count: 60, errors: { 'input/invalid': 3 }, latency: histogramOf(Array(60).fill(10)) })
  await send('2.0.0', {
    count: 20,
    errors: { 'engine/run-failed': 5 },
    latency: histogramOf(Array(20).fill(10)),
  })

  const [two, one] = (await reports('pair')).map(published)
  expect(one).toMatchObject({
    version: '1.0.0',
    served: 300,
    errors: { 'input/invalid': 15 },
    successRate: 1,
    share: 0.75,
    deviceDays: FLOOR,
    health: { verdict: 'healthy' },
  })
  expect(two).toMatchObject({
    version: '2.0.0',
    served: 100,
    errors: { 'engine/run-failed': 25 },
    successRate: 0.8,
    share: 0.25,
    health: { verdict: 'unhealthy', reasons: ['success 80.0 %, should be at least 95.0 %'] },
  })
})

test('too few answers have no verdict, no latency has no quantile', async () => {
  const ops = { count: 2, errors: {}, latency: {} }
  await Promise.all(
    Array.from({ length: FLOOR }, () => collector.post(sampleBatch({ cell: { model: 'quiet' }, ops }))),
  )
  expect(published((await reports('quiet'))[0])).toMatchObject({
    latencyMs: null,
    health: { verdict: 'insufficient', needs: 90 },
  })
})

test('a model nobody reported has no versions, whatever its name', async () => {
  expect(await reports('unheard-of')).toEqual([])
  expect(await reports(encodeURIComponent("' OR 1=1 --"))).toEqual([])
})

test('only named origins may read the numbers', async () => {
  const other = await temporaryFolder()
  const open = await startProcess(other.path, '--read-origin', 'http://localhost:5173')
  try {
    const allowed = async (origin: string) =>
      (await fetch(`${open.url}/v1/versions`, { headers: { origin } })).headers.get(
        'access-control-allow-origin',
      )
    expect(await allowed('http://localhost:5173')).toBe('http://localhost:5173')
    expect(await allowed('https://elsewhere.example')).toBeNull()
  } finally {
    await open.stop()
    await other.remove()
  }
})
