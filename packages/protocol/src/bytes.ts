import { AfieldError, type ErrorCode } from './errors.js'
import type { Sha256 } from './ids.js'

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

export function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return hex
}

/** Decodes hex of an even number of digits; `undefined` for anything else. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) return undefined
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Sha256> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))) as Sha256
}

/**
 * Parses UTF-8 JSON.
 *
 * @param what named in the message, such as `timestamp.json`.
 * @throws AfieldError with `code` when the bytes are not UTF-8 or not JSON, which is what an HTML page from a
 *   single-page-app host looks like.
 */
export function parseJson(bytes: Uint8Array, code: ErrorCode, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (cause) {
    const html = bytes[0] === 0x3c ? ' It starts like an HTML page: does the host rewrite unknown URLs?' : ''
    throw new AfieldError(code, `${what} is not JSON: it was cut or changed on the way.${html}`, {
      cause,
      details: { file: what },
    })
  }
}

/** JSON as Afield writes it to files: two spaces, a final newline. */
export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return utf8(`${JSON.stringify(value, null, 2)}\n`)
}
