import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'

export interface Spawned {
  /** Where it says that it serves. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts a tool's server as a user would and waits until it says where it is.
 *
 * @param script the tool's script, run with Node
 */
export async function spawnServer(script: string, args: readonly string[], cwd: string): Promise<Spawned> {
  const env = { ...process.env, NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1' }
  const child = spawn(process.execPath, [script, ...args], { cwd, env })
  const exited = once(child, 'exit')
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const stop = async (): Promise<void> => {
    child.kill()
    await exited
  }
  try {
    await expect.poll(() => said, { timeout: 30_000 }).toMatch(/Local:\s+http:\S+/)
  } catch (error) {
    await stop()
    throw new Error(`${script} said: ${said}`, { cause: error })
  }
  const [, url = ''] = /Local:\s+(http:\S+)/.exec(said) ?? []
  return { url: url.endsWith('/') ? url : `${url}/`, stop }
}
