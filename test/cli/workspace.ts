import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterFile } from '../clean-up.js'

const inCheckout = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

const BIN = inCheckout('packages/cli/dist/main.js')

/** 340 kB, 64 fields, ten outputs. */
export const digitsMlp = inCheckout('test/models/digits-mlp.onnx')

/** A folder of its own, gone after the file's tests. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'afield-cli-'))
  afterFile(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** A second repository with the same keys, to try something on. */
export async function copyRepository(repo: string, goal?: string): Promise<string> {
  const to = goal ?? join(await temporaryFolder(), 'copy')
  await cp(repo, to, { recursive: true })
  await cp(`${repo}.keys`, `${to}.keys`, { recursive: true })
  return to
}

export async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
}

export async function writeJson(path: string, value: unknown): Promise<string> {
  await writeFile(path, JSON.stringify(value))
  return path
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built command as a shell would. */
export function afield(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { AFIELD_REPO: _repo, AFIELD_KEYS: _keys, ...inherited } = process.env
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [BIN, ...args],
      { env: { ...inherited, AFIELD_AUTHOR: 'Release desk', ...env } },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
      },
    )
  })
}

export const bin = BIN
