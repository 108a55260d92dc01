import { AfieldError } from '../errors.js'
import { utf8 } from '../bytes.js'

/**
 * Canonical JSON as TUF signs it (http://wiki.laptop.org/go/Canonical_JSON): keys in code-point order, no
 * spaces, only `"` and `\` escaped, integers only.
 *
 * @throws AfieldError `manifest/invalid` for a fraction, which has no canonical form.
 */
export function canonicalBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return utf8(canonical(value))
}

function canonical(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return canonicalString(value)
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return String(value)
    throw new AfieldError('manifest/invalid', 'Signed metadata holds a number that is not an integer.')
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => compareCodePoints(a, b))
    return `{${entries.map(([key, item]) => `${canonicalString(key)}:${canonical(item)}`).join(',')}}`
  }
  throw new AfieldError('manifest/invalid', `Signed metadata holds a value of type ${typeof value}.`)
}

/** Not `<`, which compares UTF-16 units and puts U+1F600 before U+FF5E. */
function compareCodePoints(a: string, b: string): number {
  let at = 0
  while (at < a.length && a.codePointAt(at) === b.codePointAt(at)) at += 1
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1)
}

function canonicalString(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
