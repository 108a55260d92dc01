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
  { name: 'self', budget: 50, browser: true },
  { name: 'protocol', budget: 20 },
  { name: 'conformance', budget: 25 },
  { name: 'judge', budget: 10 },
  { name: 'cli', budget: 110 },
  { name: 'site', budget: 35 },
  { name: 'collector', budget: 40 },
  { name: 'sdk', budget: 130 },
  { name: 'e2e', budget: 105, browser: true },
  { name: 'examples', budget: 70, browser: true },
  { name: 'bundlers', budget: 400, browser: true, soak: true },
  { name: 'soak', budget: 1500, browser: true, soak: true },
]
