/** One record and its answer by the framework that trained the model; the build puts it here. */
declare const __GOLDEN__: {
  readonly input: Readonly<Record<string, number>>
  readonly output: Readonly<Record<string, number>>
}

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
export const pixels = __GOLDEN__.input

const expected = Object.values(__GOLDEN__.output)

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
