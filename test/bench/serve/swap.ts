import { setTimeout as wait } from 'node:timers/promises'
import { figure, type Bar, type Figure } from '../figure.js'
import { quantile, spreadOf } from './quantiles.js'
import { startSwapping, VERSIONS, type Sample, type SwappingOptions } from './swapping.js'

const PER_SECOND = 100
const STEADY_MS = 2000
/** Counted as during a swap: the engine before it may still be ending. */
const AFTER_MS = 1000

/** What happened from one swap to the next. */
interface Round {
  readonly steady: readonly number[]
  readonly during: readonly number[]
  /** The part of `during` until the new version serves. */
  readonly staging: readonly number[]
}

/**
 * A model of 38 MB under 100 predictions a second while the team switches between two versions. "During" is from the
 * page's look for news, which downloads nothing but metadata, over staging (bytes read, hashed, session made) to a second
 * after the new version serves; "steady" is the rest of the same run, two seconds before each swap. A latency is from
 * the call to the answer, and calls come at their rate whether the ones before them were answered or not.
 */
export async function benchSwap(swaps = 24, how: SwappingOptions = {}): Promise<readonly Figure[]> {
  const swapping = await startSwapping(how)
  try {
    // Both versions are on the device, and have proven themselves there, before anything counts.
    for (const version of [VERSIONS[1], VERSIONS[0]]) {
      await swapping.choose(version)
      await swapping.follow()
    }
    await swapping.ask(PER_SECOND)
    await wait(AFTER_MS)
    const windows: { readonly steady: number; readonly began: number; readonly served: number }[] = []
    for (let swap = 0; swap < swaps; swap++) {
      const steady = await swapping.now()
      await wait(STEADY_MS)
      await swapping.choose(VERSIONS[(swap + 1) % 2] ?? VERSIONS[0])
      windows.push({ steady, ...(await swapping.follow()) })
      await wait(AFTER_MS)
    }
    const { samples, longTasks } = await swapping.stop()
    const rounds = windows.map(({ steady, began, served }): Round => {
      const between = (from: number, to: number): readonly number[] =>
        samples.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms)
      return {
        steady: between(steady, began),
        during: between(began, served + AFTER_MS),
        staging: between(began, served),
      }
    })
    return [
      figure('serve/swap/failures', '', [samples.filter(failed).length], { most: 0 }),
      figure('serve/swap/wrong-answers', '', [samples.filter(wrong).length], { most: 0 }),
      figure('serve/swap/swaps', '', [windows.length]),
      figure('serve/swap/samples-steady', '', [count(rounds, 'steady')]),
      figure('serve/swap/samples-during', '', [count(rounds, 'during')]),
      figure(
        'serve/swap/staging',
        'ms',
        windows.map(({ began, served }) => served - began),
      ),
      pooled('serve/swap/p50-steady', 'ms', rounds, (all) => quantile(pool(all, 'steady'), 0.5)),
      pooled('serve/swap/p50-during', 'ms', rounds, (all) => quantile(pool(all, 'during'), 0.5)),
      pooled('serve/swap/p99-steady', 'ms', rounds, (all) => quantile(pool(all, 'steady'), 0.99)),
      pooled('serve/swap/p99-until-the-swap', 'ms', rounds, (all) => quantile(pool(all, 'staging'), 0.99)),
      pooled('serve/swap/p99-during', 'ms', rounds, (all) => quantile(pool(all, 'during'), 0.99)),
      pooled(
        'serve/swap/p99-ratio',
        '×',
        rounds,
        (all) => quantile(pool(all, 'during'), 0.99) / quantile(pool(all, 'steady'), 0.99),
        { most: 3 },
      ),
      figure('serve/swap/page-tasks-over-50-ms', '', [longTasks.length]),
    ]
  } finally {
    await swapping.close()
  }
}

function failed({ error }: Sample): boolean {
  return error !== undefined
}

function wrong({ error, right }: Sample): boolean {
  return error === undefined && !right
}

function pool(rounds: readonly Round[], when: keyof Round): readonly number[] {
  return rounds.flatMap((round) => round[when])
}

function count(rounds: readonly Round[], when: keyof Round): number {
  return pool(rounds, when).length
}

function pooled(
  id: string,
  unit: string,
  rounds: readonly Round[],
  statistic: (rounds: readonly Round[]) => number,
  bar?: Bar,
): Figure {
  const spread = Number(spreadOf(rounds, statistic).toPrecision(4))
  return { ...figure(id, unit, [statistic(rounds)], bar), spread }
}
