/** No more are kept, and none that is larger: what a page asks now and then is no reason to hold memory for ever. */
const MAX_KEPT = 8
const MAX_BYTES = 2 ** 20
/** Nor is one filled to less than this share: a small pack may not come back. */
const LEAST_FILLED = 1 / 4

/**
 * Memory that packs travelled in and that came back with their answers. Filling it again is cheaper than new memory,
 * which the browser has to clear first and to collect afterwards: some 6 % of all that 1,000 small predictions take.
 */
export class Spares {
  readonly #kept: ArrayBuffer[] = []

  /** For so many numbers, which are whatever they were. */
  take(length: number): Float32Array<ArrayBuffer> {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT
    const at = this.#kept.findIndex(
      ({ byteLength }) => byteLength >= bytes && byteLength * LEAST_FILLED <= bytes,
    )
    const [spare = new ArrayBuffer(bytes)] = at < 0 ? [] : this.#kept.splice(at, 1)
    return new Float32Array(spare, 0, length)
  }

  keep(spare: ArrayBuffer): void {
    if (spare.byteLength > MAX_BYTES) return
    this.#kept.push(spare)
    if (this.#kept.length > MAX_KEPT) this.#kept.shift()
  }
}
