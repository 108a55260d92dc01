const RESERVED = ['__proto__', 'constructor', 'prototype']

/**
 * A name that a contract accepts, as close as can be to what a graph or a header says: letters, digits and _.
 *
 * @param taken names that are in use; one of these gets a number.
 */
export function contractName(text: string, taken: ReadonlySet<string> = new Set()): string {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9_]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 56)
  const begun = /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`
  const name = plain === '' || RESERVED.includes(begun) ? `field_${plain}` : begun
  if (!taken.has(name)) return name
  for (let number = 2; ; number++) {
    if (!taken.has(`${name}_${number}`)) return `${name}_${number}`
  }
}

/** What two spellings of one name have in common. */
export function bareName(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}
