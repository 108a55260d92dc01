import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { ProposalWaiting } from '@afield/cli'

/** Hands the second, third … release key of a repository out, a folder each; the first stays with the repository's. */
export async function handOutKeys(repo: string, folders: readonly string[]): Promise<void> {
  for (const [i, folder] of folders.entries()) {
    const key = `release-${i + 2}.pem`
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await rename(join(`${repo}.keys`, key), join(folder, key))
  }
}

/** For the `catch` of a write that others have to sign, too. */
export function expectWaiting(error: unknown): void {
  if (!(error instanceof ProposalWaiting)) throw error
}
