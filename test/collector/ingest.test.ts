import { dayOf, MAX_BATCH_BYTES } from '@afield/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcess, temporaryFolder, type CollectorProcess } from './collector-process.js'
import { sampleBatch } from './sample-batch.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let collector: CollectorProcess

beforeAll(async () => {
  folder = await temporaryFolder()
  collector = await startProcess(folder.path)
})

afterAll(async () => {
  await collector.stop()
  await folder.remove()
})

/** Answers counted for a version of the sample's model. */
async function served(version: string): Promise<number> {
  const { versions } = await collector.versions()
  const report = versions.find((candidate) => candidate.version === version)
  return report && !report.withheld ? report.served : 0
}

const day = (offset: number) => dayOf(Date.now() + offset * 86_400_000)

describe('a batch that is sent again is counted once', () => {
  test('one after the other', async () => {
    const batch = sampleBatch({ cell: { version: '1.0.1' } })
    expect(await (await collector.post(batch)).json()).toEqual({ status: 'stored' })
    expect(await (await collector.post(batch)).json()).toEqual({ status: 'duplicate' })
    expect(await served('1.0.1')).toBe(20)
  })

  test('at the same time, while others are being written', async () => {
    const batch = sampleBatch({ cell: { version: '1.0.2' } })
    const others = Promise.all(Array.from({ length: 5 }, () => collector.post(sampleBatch())))
    const answers = await Promise.all(Array.from({ length: 20 }, () => collector.post(batch)))
    await others
    const receipts = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as { status: string }).status),
    )
    expect(receipts.filter((status) => status === 'stored')).toHaveLength(1)
    expect(receipts.filter((status) => status === 'duplicate')).toHaveLength(19)
    expect(await served('1.0.2')).toBe(20)
  })

  test('and the first one counts, whatever a copy says', async () => {
    const batch = sampleBatch({ cell: { version: '1.0.3' } })
    await collector.post(batch)
    await collector.post({ ...batch, ops: { ...batch.ops, count: 999 } })
    expect(await served('1.0.3')).toBe(20)
  })

  test('also after a restart', async () => {
    const batch = sampleBatch({ cell: { version: '1.0.4' } })
    await collector.post(batch)
    expect(await collector.stop()).toBe(0)
    collector = await startProcess(folder.path)
    expect(await (await collector.post(batch)).json()).toEqual({ status: 'duplicate' })
    expect(await served('1.0.4')).toBe(20)
  })
})

test('many different batches at once are all counted', async () => {
  const batches = Array.from({ length: 300 }, () => sampleBatch({ cell: { version: '1.0.5' } }))
  const answers = await Promise.all(batches.map((batch) => collector.post(batch)))
  expect(answers.every((answer) => answer.status === 200)).toBe(true)
  expect(await served('1.0.5')).toBe(300 * 20)
})

describe('what is no batch is refused, with a code, and never counted', () => {
  const valid = () => sampleBatch({ cell: { version: '9.9.9' } })

  test.each([
    ['text that is not JSON', 400, 'batch/invalid', () => 'hello'],
    ['an empty body', 400, 'batch/invalid', () => ''],
    ['an unknown field', 400, 'batch/invalid', () => ({ ...valid(), userId: 'u1' })],
    ['a missing field', 400, 'batch/invalid', () => ({ ...valid(), day: undefined })],
    ['an unknown error code', 400, 'batch/invalid', () => sampleBatch({ ops: { errors: { nope: 1 } } })],
    ['a day from before devices forget', 400, 'batch/invalid', () => ({ ...valid(), day: day(-37) })],
    ['a day from a clock that is wrong', 400, 'batch/invalid', () => ({ ...valid(), day: day(2) })],
    [
      'SQL in a name',
      400,
      'batch/invalid',
      () => sampleBatch({ cell: { model: "x'; DROP TABLE afield.cells; --" } }),
    ],
    [
      'one byte too many',
      413,
      'batch/too-large',
      () => JSON.stringify(valid()).padEnd(MAX_BATCH_BYTES + 1, ' '),
    ],
    ['a megabyte', 413, 'batch/too-large', () => ' '.repeat(1_000_000)],
  ])('%s: %i %s', async (_, status, code, body) => {
    const answer = await collector.post(body())
    expect(answer.status).toBe(status)
    expect(await answer.json()).toEqual({ error: { code, message: expect.any(String) as string } })
    expect(await served('9.9.9')).toBe(0)
  })

  test('an unknown key: 401', async () => {
    for (const url of [`${collector.url}/v1/batches?key=other`, `${collector.url}/v1/batches`]) {
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify(valid()) })
      expect(answer.status).toBe(401)
      expect(await answer.json()).toMatchObject({ error: { code: 'ingest/unknown-key' } })
    }
    expect(await served('9.9.9')).toBe(0)
  })

  test('another content type: 415', async () => {
    const answer = await fetch(`${collector.url}/v1/batches?key=test-app`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: JSON.stringify(valid()),
    })
    expect(answer.status).toBe(415)
    expect(await answer.json()).toMatchObject({ error: { code: 'http/unsupported-media-type' } })
  })

  test('the oldest and the newest day a device can honestly report are taken', async () => {
    const answers = await Promise.all([day(-36), day(1)].map((day) => collector.post(sampleBatch({ day }))))
    expect(answers.map((answer) => answer.status)).toEqual([200, 200])
  })
})

describe('pages of any origin may report', () => {
  test('answers and refusals can be read across origins', async () => {
    for (const body of [sampleBatch(), 'hello']) {
      expect((await collector.post(body)).headers.get('access-control-allow-origin')).toBe('*')
    }
  })

  test('a preflight is answered, though text/plain needs none', async () => {
    const answer = await fetch(`${collector.url}/v1/batches?key=test-app`, { method: 'OPTIONS' })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })
})

test('the log has neither address nor query nor body', async () => {
  await collector.post(sampleBatch())
  await collector.post('hello', 'some-secret-key')
  const log = collector.log()
  expect(log).toContain('"route":"/v1/batches","status":200')
  expect(log).toContain('"status":401')
  expect(log).not.toMatch(/some-secret-key|test-app|hello|"ip"|remoteAddress|"url"/)
})

test('too many requests from one source: 429, and when to come back', async () => {
  const other = await temporaryFolder()
  const strict = await startProcess(other.path, '--rate-per-second', '1')
  try {
    // The burst is thirty seconds' worth.
    const answers = await Promise.all(Array.from({ length: 40 }, () => strict.post(sampleBatch())))
    const limited = answers.filter((answer) => answer.status === 429)
    expect(limited.length).toBeGreaterThan(5)
    expect(answers.filter((answer) => answer.status === 200).length).toBeGreaterThanOrEqual(30)
    expect(limited[0]?.headers.get('retry-after')).toBe('1')
    expect(await limited[0]?.json()).toMatchObject({ error: { code: 'ingest/rate-limited' } })
    // Reading is not limited by what was sent.
    expect((await strict.versions()).versions).toHaveLength(1)
  } finally {
    await strict.stop()
    await other.remove()
  }
})
