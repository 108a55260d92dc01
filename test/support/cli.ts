import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))

/** Runs the real `afield` command and returns what it printed; throws with its message when it fails. */
export async function afield(...args: readonly string[]): Promise<string> {
  return afieldIn(process.cwd(), ...args)
}

/** The same, in a folder. */
export async function afieldIn(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...args], { cwd })
  return stdout
}
