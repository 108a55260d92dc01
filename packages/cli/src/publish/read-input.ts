import { CliError } from '../errors.js'
import { readIfThere } from '../read-file.js'

/**
 * Reads a file that publishing needs.
 *
 * @param what such as `model`, for the message.
 * @throws CliError `file/missing`, `file/unreadable`.
 */
export async function readInput(path: string, what: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readOptionalInput(path, what)
  if (bytes) return bytes
  throw new CliError('file/missing', `There is no ${what} at ${path}.`)
}

/** Like {@link readInput}, for a file that may be absent. */
export async function readOptionalInput(
  path: string,
  what: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readIfThere(path)
  } catch (cause) {
    throw unreadable(path, what, cause)
  }
}

/** What a system's refusal to read a file is told as. */
export function unreadable(path: string, what: string, cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CliError('file/unreadable', `The ${what} at ${path} cannot be read: ${reason}.`, { cause })
}
