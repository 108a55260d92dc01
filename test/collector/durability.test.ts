import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore } from '../../packages/collector/src/store/open.js'
import { startProcess, temporaryFolder, type CollectorProcess } from './collector-process.js'
import { sampleBatch } from './sample-batch.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder()
})

afterEach(() => folder.remove())

async function servedBy(collector: CollectorProcess): Promise<number> {
  const { versions } = await collector.versions()
  return versions.reduce((sum, version) => sum + (version.withheld ? 0 : version.served), 0)
}

test(
  'a batch that was answered is there after the collector is killed at once',
  { timeout: 30_000 },
  async () => {
    for (let round = 1; round <= 4; round++) {
      const collector = await startProcess(folder.path)
      expect((await collector.post(sampleBatch())).status).toBe(200)
      await collector.kill()
    }
    const collector = await startProcess(folder.path)
    expect(await servedBy(collector)).toBe(4 * 20)
    await collector.stop()
  },
)

test(
  'killed in the middle of writing: what is sent again until it is answered is counted exactly once',
  { timeout: 30_000 },
  async () => {
    const batches = Array.from({ length: 200 }, () => sampleBatch())
    for (const delay of [15, 40, 80]) {
      const collector = await startProcess(folder.path)
      const attempts = Promise.allSettled(batches.map((batch) => collector.post(batch)))
      await new Promise((resolve) => setTimeout(resolve, delay))
      await collector.kill()
      await attempts
    }
    const collector = await startProcess(folder.path)
    const answers = await Promise.all(batches.map((batch) => collector.post(batch)))
    expect(answers.every((answer) => answer.status === 200)).toBe(true)
    expect(await servedBy(collector)).toBe(batches.length * 20)
    await collector.stop()
  },
)

test(
  'sums that an interrupted write left out are made up for at the next start',
  { timeout: 30_000 },
  async () => {
    const first = await startProcess(folder.path)
    await Promise.all([1, 2, 3].map(() => first.post(sampleBatch())))
    await first.stop()

    // What a kill between a batch and its sums leaves behind: the batch alone.
    const sql = await openStore({ kind: 'embedded', dataDir: folder.path })
    await sql.command({ query: 'TRUNCATE TABLE afield.cells' })
    await sql.close()

    const second = await startProcess(folder.path)
    expect(await servedBy(second)).toBe(3 * 20)
    expect(second.log()).toContain('rebuilt the roll-up')
    await second.stop()

    const third = await startProcess(folder.path)
    expect(await servedBy(third)).toBe(3 * 20)
    expect(third.log()).not.toContain('rebuilt the roll-up')
    await third.stop()
  },
)
