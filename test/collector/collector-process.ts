import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { VersionsReport } from '@afield/collector'
import { afterFile } from '../clean-up.js'

const BIN = fileURLToPath(new URL('../../packages/collector/dist/main.js', import.meta.url))

const KEY = 'test-app'

/** A collector in a process of its own, as it is run, so that it can die as it would. */
export interface CollectorProcess {
  readonly url: string
  /** Sends a batch, or any text in its place. */
  post(body: unknown, key?: string): Promise<Response>
  versions(): Promise<VersionsReport>
  /** What it wrote to standard error so far. */
  log(): string
  /** Ends it in order, and resolves to its exit code. */
  stop(): Promise<number | null>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
}

/** Starts `afield-collector` on a folder and a free port. Flags given here come last. */
export async function startProcess(dataDir: string, ...flags: readonly string[]): Promise<CollectorProcess> {
  const { child, output } = spawnBin([
    '--port',
    '0',
    '--data',
    dataDir,
    '--key',
    KEY,
    '--cell-floor',
    '1',
    ...flags,
  ])
  const url = await readyUrl(child, output)
  return {
    url,
    post: (body, key = KEY) =>
      fetch(`${url}/v1/batches?key=${key}`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    versions: async () => (await fetch(`${url}/v1/versions`)).json() as Promise<VersionsReport>,
    log: () => output.err,
    stop: () => end(child, 'SIGTERM'),
    kill: async () => {
      await end(child, 'SIGKILL')
    },
  }
}

/** Runs `afield-collector` to its end. */
export async function runBin(
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const { child, output } = spawnBin(args, nodeFlags)
  await once(child, 'close')
  return { code: child.exitCode, ...output }
}

/** A new folder for a store, and what removes it. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'afield-collector-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

function spawnBin(args: readonly string[], nodeFlags: readonly string[] = []) {
  const child = spawn(process.execPath, [...nodeFlags, BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  // A test that fails before it stops its collector leaves nothing behind.
  afterFile(() => child.kill('SIGKILL'))
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text))
  return { child, output }
}

async function readyUrl(
  child: ChildProcess,
  output: { readonly out: string; readonly err: string },
): Promise<string> {
  while (child.exitCode === null) {
    const url = /^ready (\S+)$/m.exec(output.out)?.[1]
    if (url !== undefined) return url
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`The collector ended before it was ready: ${output.err}`)
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
  return child.exitCode
}
