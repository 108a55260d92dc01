import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Suite } from './suites.js'

export interface SuiteResult {
  readonly name: string
  readonly passed: number
  /** Failed tests; 1 when none failed but the suite did, for the reason in `problem`. */
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  readonly budget: number
  readonly problem?: string
}

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Runs one suite in a Vitest process of its own and stops that process, with all it started, when the
 * suite's budget is spent.
 *
 * @param options.root folder of the `vite.config.ts` that has a project of the suite's name
 * @param options.seed handed to the tests as the environment's `SEED`
 */
export async function runSuite(
  suite: Suite,
  options: { readonly root: string; readonly seed: number; readonly quiet?: boolean },
): Promise<SuiteResult> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-suite-'))
  try {
    const started = performance.now()
    const run = await runVitest(suite, join(folder, 'report.json'), options)
    const seconds = (performance.now() - started) / 1000
    return judge(suite, seconds, run)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Run {
  readonly counts: Counts | undefined
  readonly exitCode: number | null
  readonly overBudget: boolean
}

async function runVitest(
  suite: Suite,
  report: string,
  options: { readonly root: string; readonly seed: number; readonly quiet?: boolean },
): Promise<Run> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const child = spawn(process.execPath, [vitest, 'run', '--project', suite.name, ...reporters], {
    cwd: options.root,
    env: { ...process.env, SEED: String(options.seed) },
    stdio: ['ignore', options.quiet ? 'ignore' : 'inherit', options.quiet ? 'ignore' : 'inherit'],
    // A process group of its own lets a stop reach the test workers and their servers too.
    detached: process.platform !== 'win32',
  })
  const interrupt = () => {
    stop(child)
    process.exit(1)
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  let overBudget = false
  const timer = setTimeout(() => {
    overBudget = true
    stop(child)
  }, suite.budget * 1000)
  try {
    const [exitCode] = (await once(child, 'exit')) as [number | null]
    return { counts: await readCounts(report), exitCode, overBudget }
  } finally {
    clearTimeout(timer)
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

function stop(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (process.platform === 'win32') child.kill('SIGKILL')
  else process.kill(-child.pid, 'SIGKILL')
}

async function readCounts(report: string): Promise<Counts | undefined> {
  if (!existsSync(report)) return undefined
  const json = JSON.parse(await readFile(report, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numPendingTests: number
    numTodoTests: number
  }
  return {
    passed: json.numPassedTests,
    failed: json.numFailedTests,
    skipped: json.numPendingTests + json.numTodoTests,
  }
}

function judge(suite: Suite, seconds: number, run: Run): SuiteResult {
  const counts = run.counts ?? { passed: 0, failed: 0, skipped: 0 }
  const problem = problemOf(run, counts)
  const failed = problem ? Math.max(counts.failed, 1) : counts.failed
  return {
    name: suite.name,
    ...counts,
    failed,
    seconds,
    budget: suite.budget,
    ...(problem ? { problem } : {}),
  }
}

function problemOf(run: Run, counts: Counts): string | undefined {
  if (run.overBudget) return 'stopped: its time budget is spent'
  if (counts.passed + counts.failed === 0) return 'ran no test'
  if (run.exitCode !== 0 && counts.failed === 0) return 'an error outside its tests, see above'
  return undefined
}
