import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diskRefusal } from '../../disk.js'
import { CliError } from '../../errors.js'
import { hasCode } from '../../read-file.js'

/** Hidden, and no name that a key file has. */
const CLAIM = '.init'

/**
 * Runs something as the only one that makes the first keys of a folder. Key files alone cannot tell: `two` and
 * `separate` have different names.
 *
 * @throws CliError `keys/exist` while somebody else is at it.
 */
export async function claimingFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const claim = join(folder, CLAIM)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    await writeFile(claim, '', { flag: 'wx' })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw diskRefusal(error, claim) ?? error
    throw new CliError(
      'keys/exist',
      `Another afield init is making keys in ${folder}. Choose another folder with --keys; if none is running, one was ` +
        `stopped there: delete ${claim}.`,
    )
  }
  try {
    return await work()
  } finally {
    await rm(claim, { force: true })
  }
}
