/**
 * Runs the suites one after another: `npm test`, `npm test -- collector`, `npm run test:soak`.
 *
 * Environment: `SEED` repeats a run's random choices. `TEST_SUMMARY` names a file that takes the counts as
 * JSON, of type {@link Summary}.
 */
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runSuite, type SuiteResult } from './run-suite.js'
import { suites, type Suite } from './suites.js'

interface Summary {
  readonly seed: number
  readonly passed: number
  readonly failed: number
  readonly suites: readonly SuiteResult[]
}

const root = fileURLToPath(new URL('..', import.meta.url))

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { soak: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const chosen = choose(positionals, values.soak)
  const seed = readSeed(process.env['SEED'])
  const command = [
    values.soak ? 'npm run test:soak' : 'npm test',
    ...(positionals.length ? ['--', ...positionals] : []),
  ]
  console.log(`Seed ${seed}; to repeat this run: SEED=${seed} ${command.join(' ')}`)

  const results: SuiteResult[] = []
  for (const suite of chosen) {
    results.push(await runSuite(suite, { root, seed }))
    handOver(summaryOf(seed, results))
  }
  report(summaryOf(seed, results))
}

function summaryOf(seed: number, results: readonly SuiteResult[]): Summary {
  return { seed, passed: sum(results, 'passed'), failed: sum(results, 'failed'), suites: results }
}

/** After every suite, so that a run that is stopped half-way still hands over what it knows. */
function handOver(summary: Summary): void {
  const file = process.env['TEST_SUMMARY']
  if (file) writeFileSync(file, JSON.stringify(summary, null, 2))
}

function choose(names: readonly string[], soak: boolean): readonly Suite[] {
  const offered = suites.filter((suite) => (suite.soak ?? false) === soak)
  const unknown = names.filter((name) => !offered.some((suite) => suite.name === name))
  if (unknown.length > 0) {
    throw new Error(
      `No suite ${unknown.join(', ')}; there are ${offered.map((suite) => suite.name).join(', ')}.`,
    )
  }
  return names.length > 0 ? offered.filter((suite) => names.includes(suite.name)) : offered
}

function readSeed(text: string | undefined): number {
  if (text === undefined || text === '') return randomInt(2 ** 31)
  const seed = Number(text)
  if (!Number.isInteger(seed)) throw new Error(`SEED must be an integer, not ${text}.`)
  return seed
}

function report(summary: Summary): void {
  console.log()
  for (const suite of summary.suites) console.log(lineOf(suite))
  console.log(`${summary.passed} passed, ${summary.failed} failed`)
  process.exitCode = summary.failed > 0 ? 1 : 0
}

function lineOf({ name, passed, failed, skipped, seconds, budget, problem }: SuiteResult): string {
  const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
  return `${name.padEnd(10)} ${counts}, ${seconds.toFixed(1)} s of ${budget} s${problem ? ` (${problem})` : ''}`
}

function sum(results: readonly SuiteResult[], count: 'passed' | 'failed'): number {
  return results.reduce((total, result) => total + result[count], 0)
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
