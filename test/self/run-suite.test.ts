import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { runSuite } from '../run-suite.js'
import { suites } from '../suites.js'

const root = fileURLToPath(new URL('suites', import.meta.url))
const run = (name: string, budget = 30) => runSuite({ name, budget }, { root, seed: 7, quiet: true })

test('a suite that passes is counted and gets the seed', async () => {
  const { seconds, ...result } = await run('passing')
  expect(result).toEqual({ name: 'passing', passed: 2, failed: 0, skipped: 0, budget: 30 })
  expect(seconds).toBeGreaterThan(0)
})

test('failed tests are counted', async () => {
  expect(await run('failing')).toMatchObject({ passed: 1, failed: 1 })
})

test.each([
  ['empty', 'ran no test'],
  ['skipping', 'ran no test'],
  ['broken', 'ran no test'],
  ['rejecting', 'an error outside its tests, see above'],
  ['unknown', 'ran no test'],
])('the %s suite fails: %s', async (name, problem) => {
  expect(await run(name)).toMatchObject({ failed: 1, problem })
})

test('a suite is stopped when its budget is spent, with all it started', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'afield-hanging-'))
  const file = join(folder, 'port')
  vi.stubEnv('PORT_FILE', file)
  const running = run('hanging', 6)
  const port = await vi.waitFor(() => readFile(file, 'utf8'), { timeout: 6000 })
  expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(200)

  const { failed, problem, seconds } = await running
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
  expect({ failed, problem }).toEqual({ failed: 1, problem: 'stopped: its time budget is spent' })
  expect(seconds).toBeLessThan(9)
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow('fetch failed')
})

test('all suites together fit into the ten minutes of npm test', () => {
  const quick = suites.filter(({ soak }) => !soak)
  expect(quick.reduce((total, { budget }) => total + budget, 0)).toBeLessThan(600)
})

test.runIf(process.env['SEED'])('property tests use the seed of the run', () => {
  expect(fc.readConfigureGlobal().seed).toBe(Number(process.env['SEED']))
})
