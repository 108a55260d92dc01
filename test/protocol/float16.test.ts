import { fromFloat16Bits, toFloat16Bits } from '@afield/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('all 65,536 halves survive the way there and back', () => {
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const number = fromFloat16Bits(bits)
    // Of NaN there are many, and one is as good as another.
    expect(toFloat16Bits(number)).toBe(Number.isNaN(number) ? 0x7e00 : bits)
  }
})

test.each([
  [0x0001, 2 ** -24],
  [0x03ff, 2 ** -14 * (1023 / 1024)],
  [0x0400, 2 ** -14],
  [0x3555, 0.333251953125],
  [0x3bff, 0.99951171875],
  [0x3c00, 1],
  [0x3c01, 1.0009765625],
  [0x7bff, 65504],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0x8000, -0],
  [0xc000, -2],
  [0xfc00, Number.NEGATIVE_INFINITY],
])('0x%s is %d', (bits, number) => {
  expect(fromFloat16Bits(bits)).toBe(number)
  expect(toFloat16Bits(number)).toBe(bits)
})

test.each([
  ['a tie, to the even half below', 1 + 1 / 2048, 1],
  ['a tie, to the even half above', 1 + 3 / 2048, 1 + 2 / 1024],
  ['just above a tie', 1 + 1 / 2048 + 2 ** -40, 1 + 1 / 1024],
  ['half of the smallest', 2 ** -25, 0],
  ['more than half of the smallest', 2 ** -25 + 2 ** -40, 2 ** -24],
  ['into the next power of two', 2047.9, 2048],
  ['below the limit', 65519.99, 65504],
  ['at the limit', 65520, Number.POSITIVE_INFINITY],
])('rounds %s', (_, number, rounded) => {
  expect(fromFloat16Bits(toFloat16Bits(number))).toBe(rounded)
  expect(fromFloat16Bits(toFloat16Bits(-number))).toBe(-rounded)
})

test('no half is nearer to a number than the one it rounds to', () => {
  fc.assert(
    fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (number) => {
      const bits = toFloat16Bits(number)
      const distance = Math.abs(fromFloat16Bits(bits) - number)
      for (const neighbour of [bits - 1, bits + 1]) {
        const other = Math.abs(fromFloat16Bits(neighbour & 0xffff) - number)
        expect(distance > other).toBe(false)
      }
    }),
  )
})
