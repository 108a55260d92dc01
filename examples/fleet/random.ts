/** A seeded source of numbers from 0 up to 1 (Mulberry32): a fleet of the same seed asks the same questions. */
export type Random = () => number

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A number around `middle`, at most half of it away. */
export function around(random: Random, middle: number): number {
  return middle * (0.5 + random())
}
