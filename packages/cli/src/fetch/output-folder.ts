import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CliError } from '../errors.js'
import { isMissing } from '../read-file.js'

/**
 * Fills a folder whole or not at all: what is written goes into one beside it, which takes its name at the end. One
 * that is replaced steps aside before and is removed after, so a crash between leaves it whole under a hidden name.
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
  const beside = join(dirname(goal), `.${basename(goal)}.${randomBytes(6).toString('hex')}`)
  const [temporary, old] = [`${beside}.tmp`, `${beside}.old`]
  try {
    await mkdir(temporary, { recursive: true })
    const result = await fill(temporary)
    await replace(goal, temporary, old)
    return result
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function replace(goal: string, next: string, old: string): Promise<void> {
  const replaced = await rename(goal, old).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false
      throw error
    },
  )
  try {
    await rename(next, goal)
  } catch (error) {
    if (replaced) await rename(old, goal)
    throw error
  }
  if (replaced) await rm(old, { recursive: true, force: true })
}

async function entriesOf(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
