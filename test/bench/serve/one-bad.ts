import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '../../browser/browser.js'
import { launchChromium } from '../../browser/chromium.js'
import { startKindsWorld, type KindsWorld } from '../../e2e/support/kinds-world.js'
import { buildApp } from '../../support/app/build.js'
import { figure, type Figure } from '../figure.js'

const TOGETHER = 1000
const BAD = 617
const ROUNDS = 20

interface Outcome {
  readonly lost: number
  readonly falselyAnswered: number
  readonly ms: number
}

/** A thousand predictions at once of which one is bad: the other 999 get their answers, and it gets an error. */
export async function benchOneBad(): Promise<readonly Figure[]> {
  const app = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  await buildApp({
    root: join(import.meta.dirname, '..', '..', 'support', 'app'),
    outDir: app,
    base: '/app/',
  })
  const world = await startKindsWorld(['pick'], app)
  const browser = await launchChromium()
  try {
    const page = await browser.open(world.url)
    await load(page, world)
    const good = await rounds(page, 3)
    // Refused by the contract, before anything runs; and refused by the graph, in a run that it shares.
    const invalid = await rounds(page, 'no number')
    const failing = await rounds(page, 9)
    return [
      ...outcomes('all-good', good, 0),
      ...outcomes('invalid', invalid, 1),
      ...outcomes('fails-to-run', failing, 1),
    ]
  } finally {
    await browser.close()
    await world.close()
    await rm(app, { recursive: true, force: true })
  }
}

function outcomes(what: string, rounds: readonly Outcome[], bad: number): readonly Figure[] {
  const id = `serve/one-bad/${what}`
  const sum = (read: (outcome: Outcome) => number): number =>
    rounds.reduce((total, outcome) => total + read(outcome), 0)
  return [
    figure(`${id}/answers-lost`, '', [sum(({ lost }) => lost)], { most: 0 }),
    ...(bad > 0
      ? [figure(`${id}/errors-missing`, '', [sum(({ falselyAnswered }) => falselyAnswered)], { most: 0 })]
      : []),
    figure(
      `${id}/together`,
      'ms',
      rounds.map(({ ms }) => ms),
    ),
  ]
}

function load(page: Page, { repository, root }: KindsWorld): Promise<void> {
  return page.evaluate(
    async (options) => {
      globalThis.afield = createAfield(options)
      globalThis.model = await afield.load('pick')
    },
    { repository, root },
  )
}

function rounds(page: Page, bad: unknown): Promise<readonly Outcome[]> {
  return page.evaluate(
    async ({ bad: at, together, place, times }) => {
      const round = async (): Promise<Outcome> => {
        const inputs = Array.from({ length: together }, (_, i) => ({ at: [[i === place ? at : i % 8]] }))
        const began = performance.now()
        const settled = await Promise.allSettled(inputs.map((input) => model.predict(input as never)))
        const ms = performance.now() - began
        const isRight = (one: (typeof settled)[number], i: number): boolean =>
          one.status === 'fulfilled' && one.value.outputs['value'] === (i % 8) ** 2
        return {
          lost: settled.filter((one, i) => i !== place && !isRight(one, i)).length,
          falselyAnswered: settled[place]?.status === 'fulfilled' ? 1 : 0,
          ms,
        }
      }
      await round()
      const all: Outcome[] = []
      for (let i = 0; i < times; i++) all.push(await round())
      return all
    },
    { bad, together: TOGETHER, place: BAD, times: ROUNDS },
  )
}
