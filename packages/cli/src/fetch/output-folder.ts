import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CliError } from '../errors.js'
import { isMissing } from '../read-file.js'

/**
 * Fills a folder whole or not at all: what is written goes into one beside it, which takes its name at the end.
 *
 * @param mayReplace whether a folder with these entries, which is not empty, may be replaced.
 * @throws CliError `out/not-empty`.
 */
export async function fillFolder<T>(
  out: string,
  fill: (dir: string) => Promise<T>,
  mayReplace: (entries: readonly string[]) => boolean = () => false,
): Promise<T> {
  const goal = resolve(out)
  const before = await entriesOf(goal)
  if (before.length > 0 && !mayReplace(before)) {
    throw new CliError('out/not-empty', `${goal} is not empty. Name a new or an empty folder.`)
  }
  const temporary = join(dirname(goal), `.${basename(goal)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(temporary, { recursive: true })
    const result = await fill(temporary)
    await rm(goal, { recursive: true, force: true })
    await rename(temporary, goal)
    return result
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function entriesOf(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
