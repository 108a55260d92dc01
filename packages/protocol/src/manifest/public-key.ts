import { fromHex } from '../bytes.js'
import type { Key } from './metadata.js'

type Bytes = Uint8Array<ArrayBuffer>

/** How WebCrypto is asked about the signatures of one of TUF's schemes (clause 4.2). */
interface Scheme {
  readonly algorithm: Readonly<{ name: string; namedCurve?: string; hash?: string; saltLength?: number }>
  /** The signature as WebCrypto wants it. */
  readonly signature: (bytes: Bytes) => Bytes | undefined
}

const ED25519: Scheme = { algorithm: { name: 'Ed25519' }, signature: (bytes) => bytes }
const ECDSA_P256: Scheme = {
  algorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  signature: derToP1363,
}
const RSA_PSS: Scheme = {
  algorithm: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  signature: (bytes) => bytes,
}

/** By key type and scheme; keys of any other kind verify nothing. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['ed25519 ed25519', ED25519],
  ['ecdsa ecdsa-sha2-nistp256', ECDSA_P256],
  // What the specification called the key type before 1.0.29.
  ['ecdsa-sha2-nistp256 ecdsa-sha2-nistp256', ECDSA_P256],
  ['rsa rsassa-pss-sha256', RSA_PSS],
])

export interface PublicKey {
  /** The same for the same key, however it was written. */
  identity(): Promise<string>
  verifies(signature: string, payload: Bytes): Promise<boolean>
}

/** The key as this platform knows it: `unsupported` when it cannot verify its scheme, `unknown` when nobody can. */
export async function importKey({
  keytype,
  scheme,
  keyval,
}: Key): Promise<PublicKey | 'unsupported' | 'unknown'> {
  const known = SCHEMES.get(`${keytype} ${scheme}`)
  // The point of a curve may stand there in hex, any key in PEM.
  const point = known === RSA_PSS || keyval.public === '' ? undefined : fromHex(keyval.public)
  const bytes = point ?? fromPem(keyval.public)
  if (!known || !bytes) return 'unknown'
  // Browsers hide WebCrypto from pages that came over plain http.
  if (!(globalThis.crypto as Crypto | undefined)?.subtle) return 'unsupported'
  const { algorithm } = known
  let key: CryptoKey
  try {
    key = await crypto.subtle.importKey(point ? 'raw' : 'spki', bytes, algorithm, true, ['verify'])
  } catch (error) {
    return error instanceof DOMException && error.name === 'NotSupportedError' ? 'unsupported' : 'unknown'
  }
  return {
    identity: async () => {
      const { x = '', y = '', n = '' } = await crypto.subtle.exportKey('jwk', key)
      return `${keytype.slice(0, 5)} ${x} ${y} ${n}`
    },
    verifies: async (signature, payload) => {
      const hex = fromHex(signature)
      const wanted = hex && known.signature(hex)
      return wanted !== undefined && crypto.subtle.verify(algorithm, key, wanted, payload)
    },
  }
}

function fromPem(text: string): Bytes | undefined {
  const body = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(text)?.[1]
  if (body === undefined) return undefined
  try {
    return Uint8Array.from(atob(body.replaceAll(/\s/g, '')), (character) => character.charCodeAt(0))
  } catch (error) {
    if (error instanceof DOMException) return undefined
    throw error
  }
}

/**
 * An ECDSA signature as TUF's tools write it, a DER sequence of two integers, in the fixed 64 bytes that WebCrypto
 * takes (IEEE P1363); `undefined` when it is none.
 */
function derToP1363(der: Bytes): Bytes | undefined {
  const numbers = new Uint8Array(64)
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined
  let at = 2
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0
    let start = at + 2
    at = start + length
    if (der[start - 2] !== 0x02 || length === 0 || at > der.length) return undefined
    // A number whose first bit is set has a zero before it, or it would be negative.
    while (start < at && der[start] === 0) start += 1
    if (at - start > 32) return undefined
    numbers.set(der.subarray(start, at), end - (at - start))
  }
  return at === der.length ? numbers : undefined
}
