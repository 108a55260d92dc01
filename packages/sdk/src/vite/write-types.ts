import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { declareModels } from '@afield/protocol'
import { readModels } from './read-models.js'

/** Writes the declarations of a repository's models where they changed, so that no watcher wakes for nothing. */
export async function writeTypes(repository: string, file: string): Promise<void> {
  const text = declareModels(await readModels(repository))
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}
