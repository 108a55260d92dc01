import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { declareModels, isDeclarationFile } from '@afield/protocol'
import { readModels } from './read-models.js'

/**
 * Writes the declarations of a repository's models: whole or not at all, and only where they changed, so that no
 * watcher wakes for nothing.
 *
 * @throws Error for a file that somebody else wrote, which is left alone; AfieldError for a repository that cannot be
 *   read.
 */
export async function writeTypes(repository: string, file: string): Promise<void> {
  const text = declareModels(await readModels(repository))
  const before = await readIfThere(file)
  if (before === text) return
  if (before !== undefined && !isDeclarationFile(before)) {
    throw new Error(`${file} was not written by Afield, and is left alone. Name another file with \`types\`.`)
  }
  await mkdir(dirname(file), { recursive: true })
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeFile(temporary, text)
    await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
