import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** How a command of the CLI ended, and all that it printed. */
export interface CliResult {
  /** The command as a person would type it in the project's folder. */
  readonly command: string
  readonly ok: boolean
  readonly output: string
  readonly ms: number
}

const TIMEOUT_MS = 60_000

/** Runs the CLI's real program in the project's folder, without a shell. */
export function runCli(projectRoot: string, args: readonly string[]): Promise<CliResult> {
  const program = join(projectRoot, 'packages/cli/dist/main.js')
  const began = performance.now()
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { cwd: projectRoot, timeout: TIMEOUT_MS },
      (error, stdout, stderr) => {
        const stopped = error?.killed ? `Stopped after ${TIMEOUT_MS / 1000} s.` : ''
        resolve({
          command: ['npx', '@afield/cli', ...args].join(' '),
          ok: error === null,
          output: [stdout, stderr, stopped]
            .map((text) => text.trim())
            .filter(Boolean)
            .join('\n'),
          ms: Math.round(performance.now() - began),
        })
      },
    )
  })
}
