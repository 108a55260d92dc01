import { startCollector, type Collector, type VersionsReport } from '@afield/collector'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../packages/collector/src/store/open.js'
import { temporaryFolder } from './collector-process.js'
import { sampleBatch } from './sample-batch.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let collector: Collector
let sql: Awaited<ReturnType<typeof openStore>>

beforeAll(async () => {
  folder = await temporaryFolder()
  collector = await startCollector({ dataDir: folder.path, keys: ['app'], cellFloor: 1 })
  // The engine lets one process open one folder several times.
  sql = await openStore({ kind: 'embedded', dataDir: folder.path })
})

afterAll(async () => {
  await sql.close()
  await collector.close()
  await folder.remove()
})

const post = (body: object) =>
  fetch(`${collector.url}/v1/batches?key=app`, { method: 'POST', body: JSON.stringify(body) })

async function served(): Promise<number> {
  const report = (await (await fetch(`${collector.url}/v1/versions`)).json()) as VersionsReport
  return report.versions.reduce((sum, version) => sum + (version.withheld ? 0 : version.served), 0)
}

const batchesKept = async () => {
  const result = await sql.query({ query: 'SELECT count() AS n FROM afield.batches', format: 'JSONEachRow' })
  return (await result.json<{ readonly n: number }>())[0]?.n
}

test('a write that fails half way is answered 503, and counted once when it is sent again', async () => {
  const batch = sampleBatch()
  // Fails after the batch is written and before its sums are.
  await sql.command({ query: 'ALTER TABLE afield.cells ADD CONSTRAINT broken CHECK served = 0' })
  const refused = await post(batch)
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('30')
  expect(await refused.json()).toMatchObject({ error: { code: 'storage/unavailable' } })

  await sql.command({ query: 'ALTER TABLE afield.cells DROP CONSTRAINT broken' })
  expect([await batchesKept(), await served()]).toEqual([1, 0])

  expect(await (await post(batch)).json()).toEqual({ status: 'duplicate' })
  expect([await batchesKept(), await served()]).toEqual([1, 20])
})

test('and none after it suffers', async () => {
  expect(await (await post(sampleBatch())).json()).toEqual({ status: 'stored' })
  expect(await served()).toBe(40)
})

test('a second collector in the same process is told that a process opens one folder', async () => {
  const other = await temporaryFolder()
  await expect(startCollector({ dataDir: other.path, keys: ['app'] })).rejects.toMatchObject({
    code: 'storage/unavailable',
    message: expect.stringContaining('a process opens one folder') as string,
  })
  await other.remove()
})
