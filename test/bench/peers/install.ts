import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Folder of the peers' packages, installed on first use: only benchmarks need them. */
export function peers(): string {
  const folder = import.meta.dirname
  if (!existsSync(join(folder, 'node_modules', '@huggingface', 'transformers'))) {
    console.error('Installing the libraries to measure beside …')
    execFileSync('npm', ['ci', '--omit=optional'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return join(folder, 'node_modules')
}
