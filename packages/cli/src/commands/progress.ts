import process from 'node:process'
import cliProgress from 'cli-progress'

export interface ProgressBar {
  /** Bytes, unless the bar counts something else. */
  update(done: number, total: number, doing: string): void
  stop(): void
}

const NONE: ProgressBar = { update: () => {}, stop: () => {} }

interface ProgressOptions {
  readonly json?: true
}

/** A bar on stderr; nothing where nobody watches: with `--json`, or when stderr is no terminal. */
function progressBar({ json }: ProgressOptions, amount: Amount): ProgressBar {
  if (json || !process.stderr.isTTY) return NONE
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    format: (options, { progress, total, value }, { doing }: { readonly doing: string }) =>
      `${doing} ${cliProgress.Format.BarFormat(progress, options)} ${amount(value, total)}`,
  })
  let started = false
  return {
    update: (done, total, doing) => {
      if (!started) bar.start(total, done, { doing })
      started = true
      bar.setTotal(total)
      bar.update(done, { doing })
    },
    stop: () => bar.stop(),
  }
}

/** How much is done, in words. */
type Amount = (done: number, total: number) => string

/** Runs something with a bar that goes away at its end, whatever the end. */
export async function withProgress<T>(
  options: ProgressOptions,
  run: (bar: ProgressBar) => Promise<T>,
  amount: Amount = megabytes,
): Promise<T> {
  const bar = progressBar(options, amount)
  try {
    return await run(bar)
  } finally {
    bar.stop()
  }
}

function megabytes(done: number, total: number): string {
  const [some, all] = [done, total].map((bytes) => (bytes / 1_000_000).toFixed(1))
  return `${some} of ${all} MB`
}
