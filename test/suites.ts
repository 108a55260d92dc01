/** One entry of the test list: a folder under `test/` and a Vitest project of the same name. */
export interface Suite {
  readonly name: string
  /** Seconds it may take on two cores. A suite still running then is stopped and fails. */
  readonly budget: number
  /** Drives real browsers: its files run one after another, each with the machine to itself. */
  readonly browser?: true
  /** Its pages are the test app, which is built once for all its files. */
  readonly testApp?: true
  /** Part of `npm run test:soak` instead of `npm test`. */
  readonly soak?: true
}

/** In the order they run: what everything else stands on first. Budgets of `npm test` stay below 600 in sum. */
export const suites: readonly Suite[] = [
  { name: 'self', budget: 42, browser: true },
  { name: 'protocol', budget: 13 },
  { name: 'conformance', budget: 13 },
  { name: 'judge', budget: 4 },
  { name: 'cli', budget: 128 },
  { name: 'site', budget: 26 },
  { name: 'collector', budget: 26 },
  { name: 'sdk', budget: 85 },
  { name: 'e2e', budget: 122, browser: true, testApp: true },
  { name: 'examples', budget: 139, browser: true },
  { name: 'faults', budget: 300, browser: true, testApp: true, soak: true },
  { name: 'engine', budget: 400, browser: true, testApp: true, soak: true },
  { name: 'bundlers', budget: 450, browser: true, soak: true },
  { name: 'soak', budget: 1200, browser: true, testApp: true, soak: true },
]
