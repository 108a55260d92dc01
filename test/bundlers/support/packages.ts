import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '..', '..', '..')

/** The workspaces that are published, by the folder they lie in. */
export const PUBLISHED = {
  '@afield/protocol': 'protocol',
  '@afield/judge': 'judge',
  afield: 'sdk',
  '@afield/cli': 'cli',
  '@afield/collector': 'collector',
} as const
export type PackageName = keyof typeof PUBLISHED

export interface Tarball {
  readonly name: PackageName
  readonly file: string
  /** Bytes as they are downloaded, and on the disk. */
  readonly packedBytes: number
  readonly unpackedBytes: number
  readonly files: readonly string[]
}

interface Packed {
  readonly name: PackageName
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** Packs packages into a folder as `npm publish` would; they must be built. */
export async function pack(names: readonly PackageName[], folder: string): Promise<readonly Tarball[]> {
  const workspaces = names.flatMap((name) => ['--workspace', name])
  const json = await npm(['pack', '--json', '--pack-destination', folder, ...workspaces], ROOT)
  const packed = JSON.parse(json) as readonly Packed[]
  return packed.map(({ name, filename, size, unpackedSize, files }) => ({
    name,
    file: join(folder, filename),
    packedBytes: size,
    unpackedBytes: unpackedSize,
    files: files.map(({ path }) => path),
  }))
}

/** Runs npm as a user would who lets no package run a script of its own. Returns what it printed. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['--ignore-scripts', '--no-audit', '--no-fund', ...args],
    {
      cwd,
      maxBuffer: 64 * 1024 * 1024,
      shell: process.platform === 'win32',
    },
  )
  return stdout
}
