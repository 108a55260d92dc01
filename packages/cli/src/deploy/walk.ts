import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { isMissing } from '../read-file.js'

/** Every file below a folder with its size in bytes, but for hidden ones, which are unfinished writes. */
export async function walkFolder(dir: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const entry of await entriesOf(dir)) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue
    const path = join(entry.parentPath, entry.name)
    found.set(relative(dir, path).split(sep).join('/'), (await stat(path)).size)
  }
  return found
}

async function entriesOf(dir: string) {
  try {
    return await readdir(dir, { recursive: true, withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
