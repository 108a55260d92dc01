import { readFile } from 'node:fs/promises'
import { CliError, type CliErrorCode } from './errors.js'

/** True for the system error of a path that leads nowhere. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')
}

/** True for a system error with this code, such as `EEXIST`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** A file's bytes, or `undefined` when there is none. */
export async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path)
    // readFile gives no shared memory, which its type leaves open.
    return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * Parses a JSON file that a person or a script wrote.
 *
 * @throws CliError with `code` when it is not JSON.
 */
export function parseJsonFile(bytes: Uint8Array, code: CliErrorCode, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(code, `${path} is not JSON: ${reason}`, { cause })
  }
}
