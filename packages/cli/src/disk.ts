import { CliError } from './errors.js'
import { hasCode } from './read-file.js'

/** No space, no quota, or a limit on the size of files. */
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG']
const DENIED = ['EACCES', 'EPERM', 'EROFS']

/**
 * The refusal that a system error of a disk is; `undefined` for another error.
 *
 * @param goal what was to be written, where the error names only a temporary file or none.
 */
export function diskRefusal(cause: unknown, goal = pathOf(cause)): CliError | undefined {
  const is = (codes: readonly string[]): boolean => codes.some((code) => hasCode(cause, code))
  if (is(FULL)) {
    return new CliError(
      'disk/full',
      `There is no room to write ${goal ?? 'to the disk'}. What was there before is still valid; make room and run the command again.`,
      { cause },
    )
  }
  // Without a path it is no file: a port, for instance, may be denied too.
  if (goal === undefined) return undefined
  if (is(DENIED)) {
    return new CliError(
      'disk/denied',
      `${goal} may not be read or written by this user. What was there before is still valid; check who owns the folder.`,
      { cause },
    )
  }
  if (is(['ENOTDIR']) || (is(['EEXIST']) && isOfMkdir(cause))) {
    return new CliError('disk/path', `${goal} needs a folder where a file lies. Name another path.`, {
      cause,
    })
  }
  if (is(['EISDIR'])) {
    return new CliError('disk/path', `${goal} is a folder where a file is needed. Name another path.`, {
      cause,
    })
  }
  return undefined
}

/**
 * Runs something that works on files, and tells what a disk refuses as what it is.
 *
 * @throws CliError `disk/full`, `disk/denied`, `disk/path`.
 */
export async function namingDiskErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw diskRefusal(error) ?? error
  }
}

function pathOf(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined
}

function isOfMkdir(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'mkdir'
}
