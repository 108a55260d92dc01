import process from 'node:process'
import cliProgress from 'cli-progress'

export interface ProgressBar {
  /** Bytes. */
  update(done: number, total: number, doing: string): void
  stop(): void
}

const NONE: ProgressBar = { update: () => {}, stop: () => {} }

/** A bar on stderr; nothing where nobody watches: with `--json`, or when stderr is no terminal. */
function progressBar({ json }: { readonly json?: true }): ProgressBar {
  if (json || !process.stderr.isTTY) return NONE
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    format: (options, { progress, total, value }, { doing }: { readonly doing: string }) =>
      `${doing} ${cliProgress.Format.BarFormat(progress, options)} ${megabytes(value)} of ${megabytes(total)} MB`,
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

/** Runs something with a bar that goes away at its end, whatever the end. */
export async function withProgress<T>(
  options: { readonly json?: true },
  run: (bar: ProgressBar) => Promise<T>,
): Promise<T> {
  const bar = progressBar(options)
  try {
    return await run(bar)
  } finally {
    bar.stop()
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}
