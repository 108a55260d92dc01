import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { namingDiskErrors } from './disk.js'
import { readIfThere } from './read-file.js'

export type Written = 'written' | 'unchanged'

/**
 * Writes a text to a file, its folder included. A file that says the same already is left alone, so that what watches
 * it is not disturbed.
 *
 * @throws CliError `disk/full`, `disk/denied`, `disk/path`.
 */
export function writeOutput(path: string, text: string): Promise<Written> {
  return namingDiskErrors(async () => {
    if ((await readText(path)) === text) return 'unchanged'
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return 'written'
  })
}

/** `undefined` when there is no such file. */
export async function readText(path: string): Promise<string | undefined> {
  const bytes = await readIfThere(path)
  return bytes && new TextDecoder().decode(bytes)
}
