/** Outcomes that count: the latest. */
export const REMEMBERED = 200
const LEAST = 100
/**
 * A higher share of them is no accident: where one in a hundred fails, the first hundred has it in one of 1,900 cases,
 * and 200 have it in one of 140,000 (binomial).
 */
const SHARE = 0.05

/** Whether what serves keeps failing, by its latest outcomes. */
export class Suspicion {
  readonly #failed = new Uint8Array(REMEMBERED)
  #failures = 0
  #seen = 0

  /** @returns whether more than 5 % of the latest 200 failed, of 100 at least. */
  add(failed: boolean): boolean {
    const at = this.#seen % REMEMBERED
    this.#failures += Number(failed) - (this.#failed[at] ?? 0)
    this.#failed[at] = Number(failed)
    this.#seen += 1
    return failed && this.#seen >= LEAST && this.#failures > SHARE * Math.min(this.#seen, REMEMBERED)
  }
}
