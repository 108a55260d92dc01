const DOUBLE = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8))

/**
 * IEEE 754 half precision as its 16 bits, for runtimes without `Float16Array`. Rounds to nearest, ties to even; what
 * is too large becomes infinity.
 */
export function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const magnitude = Math.abs(value)
  // Halfway between the largest half and the next that there would be.
  if (magnitude >= 65520) return sign | 0x7c00
  // Below 2^-14 the steps are all of 2^-24.
  const exponent = Math.max(-14, exponentOf(magnitude))
  const steps = roundToEven(magnitude / 2 ** (exponent - 10))
  return sign | (((exponent + 14) << 10) + steps)
}

/** The number that 16 bits of half precision stand for. */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function exponentOf(magnitude: number): number {
  DOUBLE.setFloat64(0, magnitude)
  return ((DOUBLE.getUint16(0) >> 4) & 0x7ff) - 1023
}

function roundToEven(value: number): number {
  const down = Math.floor(value)
  const rest = value - down
  if (rest !== 0.5) return Math.round(value)
  return down % 2 === 0 ? down : down + 1
}
