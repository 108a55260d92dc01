import golden from '../../models/digits-mlp.golden.json' with { type: 'json' }

/** What each page measures: milliseconds from its navigation to its first answer. */
export interface Measured {
  readonly firstMs: number
  readonly answer: readonly number[]
}

declare global {
  var measured: Promise<Measured>
  /** Durations of page tasks over 50 ms so far. */
  var longTasks: () => readonly number[]
}

/** The same image for every page. */
export const pixels: Readonly<Record<string, number>> = golden[0]?.input ?? {}

/** Its answer by the framework that trained the model. */
const expected: readonly number[] = Object.values(golden[0]?.output ?? {})

const tasks: number[] = []
new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
  type: 'longtask',
  buffered: true,
})
globalThis.longTasks = () => tasks

/** Runs the page's one job, checks the answer and publishes how long it took. */
export function firstAnswer(run: () => Promise<readonly number[]>): void {
  globalThis.measured = run().then((answer) => {
    const firstMs = performance.now()
    const wrong = expected.some((value, i) => !(Math.abs(value - (answer[i] ?? Number.NaN)) < 1e-4))
    if (wrong) throw new Error(`answered ${answer.join(', ')} instead of ${expected.join(', ')}`)
    return { firstMs, answer }
  })
}
