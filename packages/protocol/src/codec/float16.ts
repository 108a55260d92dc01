import { roundHalfEven } from './rounding.js'

/**
 * The bits of the IEEE 754 half-precision number nearest to a value; infinity from 65 520 on.
 *
 * @example
 * float16Bits(1) // 0x3c00
 */
export function float16Bits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (Number.isNaN(size)) return 0x7e00
  if (size >= 65_520) return sign | 0x7c00
  // Below 2 ** -14 numbers are subnormal: the distance to the next one shrinks no further.
  const exponent = Math.max(size === 0 ? -14 : Math.floor(Math.log2(size)), -14)
  // A sum, because rounding up may carry into the exponent.
  return sign | (((exponent + 14) << 10) + roundHalfEven(size / 2 ** (exponent - 10)))
}
