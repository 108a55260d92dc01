import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { launchChromium } from '../../browser/chromium.js'
import { startServer } from '../../servers/static.js'
import { figure, type Figure } from '../figure.js'

const SDK = join(import.meta.dirname, '..', '..', '..', 'packages', 'sdk', 'dist')
const ROUNDS = 15
const PREDICTIONS = 100_000
/** Numbers and answers, each with a profile of ten bins: about as many as a form has. */
const FIELDS = 10
const OUTPUTS = 2

/** The code that counts, as the page and the engine run it. */
const PAGE = `
import { Counting } from ${JSON.stringify(join(SDK, 'router', 'counting.js'))}
import { Monitor } from ${JSON.stringify(join(SDK, 'router', 'monitor', 'monitor.js'))}
import { Tally } from ${JSON.stringify(join(SDK, 'engine', 'tally.js'))}
Object.assign(globalThis, { Counting, Monitor, Tally })
`

declare global {
  var Counting: typeof import('../../../packages/sdk/dist/router/counting.js').Counting
  var Monitor: typeof import('../../../packages/sdk/dist/router/monitor/monitor.js').Monitor
  var Tally: typeof import('../../../packages/sdk/dist/engine/tally.js').Tally
}

/** What counting costs a prediction: on the page, and in the engine for a record of ten fields. */
export async function benchStats(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-stats-'))
  await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="page.js"></script>')
  const bundle = await rolldown({
    input: '\0page',
    platform: 'browser',
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === '\0page' ? id : null),
        load: (id) => (id === '\0page' ? PAGE : null),
      },
    ],
  })
  await bundle.write({ file: join(folder, 'page.js'), format: 'esm', minify: true, codeSplitting: false })
  const server = await startServer({ mounts: { '/': folder } })
  const browser = await launchChromium()
  try {
    const page = await browser.open(`${server.url}/`)
    const { onPage, inEngine } = await page.evaluate(measure, { ROUNDS, PREDICTIONS, FIELDS, OUTPUTS })
    const together = onPage.map((us, i) => us + (inEngine[i] ?? Number.NaN))
    return [
      figure('serve/stats/page', 'µs', onPage),
      figure(`serve/stats/engine-of-${FIELDS}-fields`, 'µs', inEngine),
      figure('serve/stats/in-all', 'µs', together, { most: 5 }),
    ]
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Measuring {
  readonly ROUNDS: number
  readonly PREDICTIONS: number
  readonly FIELDS: number
  readonly OUTPUTS: number
}

/** Microseconds a prediction, a round each. Runs in the page. */
async function measure({ ROUNDS, PREDICTIONS, FIELDS, OUTPUTS }: Measuring) {
  const monitor = new Monitor({
    runBudgetMs: () => 100,
    onDoubt: () => undefined,
    onCounted: (_, now) => now + 1000,
  })
  const counting = new Counting(
    () => Promise.resolve(monitor as never),
    () => undefined,
  )
  await counting.open()
  const served = { model: 'm', version: '1.0.0', arm: 'stable', backend: 'wasm', epoch: 1, step: 0 } as never
  const names = (count: number) => Array.from({ length: count }, (_, i) => `field_${i}`)
  const profiles = (count: number) =>
    Object.fromEntries(
      names(count).map((name) => [
        name,
        {
          kind: 'numeric',
          count: 1000,
          missing: 0,
          edges: [10, 20, 30, 40, 50, 60, 70, 80, 90],
          counts: Array.from({ length: 10 }, () => 100),
        },
      ]),
    )
  const tally = new Tally('m', '1.0.0', {
    data: 'a'.repeat(64),
    rows: 1000,
    fields: profiles(FIELDS),
    outputs: { rows: 1000, profiles: profiles(OUTPUTS) },
  })
  const latencies = Array.from({ length: 1000 }, () => 2 ** (20 * Math.random() - 8))
  const values = (count: number, name = names(count)) =>
    Object.fromEntries(name.map((one) => [one, 100 * Math.random()]))
  const asked = latencies.map(() => [{ input: values(FIELDS) }])
  const answers = latencies.map(() => [{ outputs: values(OUTPUTS) }])
  const time = (work: (i: number) => void): number => {
    const began = performance.now()
    for (let i = 0; i < PREDICTIONS; i++) work(i % 1000)
    return (1000 * (performance.now() - began)) / PREDICTIONS
  }
  const onPage: number[] = []
  const inEngine: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    onPage.push(
      time((i) => {
        counting.answered(served, latencies[i] ?? 1, performance.now())
        counting.ran(served, 1, 1)
      }),
    )
    inEngine.push(time((i) => tally.count(asked[i] ?? [], answers[i] ?? [])))
  }
  return { onPage, inEngine }
}
