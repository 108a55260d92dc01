/** One entry of the test list: a folder under `test/` and a Vitest project of the same name. */
export interface Suite {
  readonly name: string
  /** Seconds it may take on two cores. A suite still running then is stopped and fails. */
  readonly budget: number
  /** Drives real browsers: its files run one after another, each with the machine to itself. */
  readonly browser?: true
  /** Part of `npm run test:soak` instead of `npm test`. */
  readonly soak?: true
}

/** In the order they run: what everything else stands on first. Budgets of `npm test` stay below 600 in sum. */
export const suites: readonly Suite[] = [
  { name: 'self', budget: 36, browser: true },
  { name: 'protocol', budget: 15 },
  { name: 'conformance', budget: 11 },
  { name: 'judge', budget: 3 },
  { name: 'cli', budget: 124 },
  { name: 'site', budget: 20 },
  { name: 'collector', budget: 22 },
  { name: 'sdk', budget: 140 },
  { name: 'e2e', budget: 106, browser: true },
  { name: 'examples', budget: 121, browser: true },
  { name: 'faults', budget: 300, browser: true, soak: true },
  { name: 'engine', budget: 400, browser: true, soak: true },
  { name: 'bundlers', budget: 450, browser: true, soak: true },
  { name: 'soak', budget: 1200, browser: true, soak: true },
]
