import { canonicalBytes, keyIdOf } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const canonical = (value: unknown): string => new TextDecoder().decode(canonicalBytes(value))

describe('canonical JSON', () => {
  test.each<[string, unknown, string]>([
    [
      'sorts keys and leaves no space',
      { b: 1, a: [true, null, { d: 'x', c: -7 }] },
      '{"a":[true,null,{"c":-7,"d":"x"}],"b":1}',
    ],
    ['keeps arrays in their order', [3, 1, 2], '[3,1,2]'],
    ['writes empty things', { a: {}, b: [], '': '' }, '{"":"","a":{},"b":[]}'],
    ['escapes the quote and the backslash', 'a"b\\c', '"a\\"b\\\\c"'],
    ['escapes nothing else', 'line\nfeed\ttab\u0000nul\u007f/ü', '"line\nfeed\ttab\u0000nul\u007f/ü"'],
    ['writes minus zero as zero', -0, '0'],
    [
      'sorts keys by code point, not by UTF-16 unit',
      { '\u{1F600}': 1, '\uFF5E': 2 },
      '{"\uFF5E":2,"\u{1F600}":1}',
    ],
    ['puts a prefix before what it begins', { ab: 1, a: 2 }, '{"a":2,"ab":1}'],
  ])('%s', (_, value, expected) => {
    expect(canonical(value)).toBe(expected)
  })

  // The key `snapshot` of the repository that python-tuf is tested with.
  test('gives a key the id that the reference implementation gives it', async () => {
    const key = {
      keyval: { public: 'edcd0a32a07dce33f7c7873aaffbff36d20ea30787574ead335eefd337e4dacd' },
      scheme: 'ed25519',
      keytype: 'ed25519',
      keyid_hash_algorithms: ['sha256', 'sha512'],
    }
    const id = '59a4df8af818e9ed7abe0764c0b47b4240952aa0d179b5b78346c470ac30278d'
    expect(await keyIdOf(key)).toBe(id)
  })

  test.each([0.5, 1e21, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'refuses %d, which has no canonical form',
    (number) => {
      expect(() => canonicalBytes({ version: number })).toThrow(
        expect.objectContaining({ code: 'manifest/invalid' }),
      )
    },
  )

  test('refuses what JSON cannot hold', () => {
    expect(() => canonicalBytes({ a: undefined })).toThrow(
      expect.objectContaining({ code: 'manifest/invalid' }),
    )
  })

  test('is the same whatever order the keys came in, and differs when a value does', () => {
    const value = fc.oneof(
      fc.integer(),
      fc.string(),
      fc.array(fc.maxSafeInteger()),
      fc.dictionary(fc.string(), fc.integer()),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse())
        expect(canonical(reversed)).toBe(canonical(object))
        expect(JSON.parse(canonical({ ...object, more: 1 }))).not.toEqual(
          JSON.parse(canonical({ ...object, more: 2 })),
        )
      }),
    )
  })
})
