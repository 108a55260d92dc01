import { fromHex, jsonBytes, parseJson, sha256, toHex, utf8 } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

test('hex of bytes and back is the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect([...(fromHex(toHex(bytes)) ?? [])]).toEqual([...bytes])
    }),
  )
})

test.each(['0', '0g', ' 00', '0x00'])('"%s" is no hex', (text) => {
  expect(fromHex(text)).toBeUndefined()
})

// The example of FIPS 180-2, appendix B.1.
test('SHA-256 of "abc" is the known one', async () => {
  expect(await sha256(utf8('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

describe('parseJson', () => {
  test('reads what jsonBytes wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseJson(jsonBytes(value), 'manifest/invalid', 'f')).toEqual(
          JSON.parse(JSON.stringify(value)),
        )
      }),
    )
  })

  test.each<[string, Uint8Array, RegExp]>([
    ['half a file', utf8('{"a":'), /f\.json is not JSON: it was cut or changed on the way\.$/],
    ['nothing', utf8(''), /f\.json is not JSON: it was cut or changed on the way\.$/],
    [
      'bytes that are no UTF-8',
      Uint8Array.of(0x22, 0xff, 0x22),
      /f\.json is not JSON: it was cut or changed on the way\.$/,
    ],
    ['a web page', utf8('<!doctype html>'), /does the host rewrite unknown URLs\?$/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseJson(bytes, 'manifest/invalid', 'f.json')).toThrow(
      expect.objectContaining({ code: 'manifest/invalid', message: expect.stringMatching(message) }),
    )
  })
})
