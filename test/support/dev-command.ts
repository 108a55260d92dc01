import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))

/** An `afield dev` that runs. */
export interface DevCommand {
  readonly process: ChildProcess
  /** What it says next, of `--json`. */
  said(): Promise<Record<string, unknown>>
}

/** Starts `afield dev` as a person would, on a free port. */
export function startDevCommand(args: readonly string[]): DevCommand {
  const command = spawn(process.execPath, [BIN, 'dev', ...args, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: command.stdout })[Symbol.asyncIterator]()
  return {
    process: command,
    said: async () => {
      const next = await lines.next()
      if (next.done) throw new Error('afield dev has ended.')
      return JSON.parse(next.value) as Record<string, unknown>
    },
  }
}
