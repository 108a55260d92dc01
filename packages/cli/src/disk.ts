import { CliError } from './errors.js'
import { hasCode } from './read-file.js'

/** No space, no quota, or a limit on the size of files. */
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG']

/**
 * Runs something that writes files, and tells a full disk as what it is.
 *
 * @throws CliError `disk/full`.
 */
export async function namingFullDisks<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    if (!FULL.some((code) => hasCode(cause, code))) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(
      'disk/full',
      `The disk took no more (${reason}). What was there before is still valid. Make room, then run the command again.`,
      { cause },
    )
  }
}
