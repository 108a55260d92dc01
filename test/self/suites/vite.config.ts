import { defineConfig } from 'vitest/config'

/** Suites that go wrong in the ways that `runSuite` must notice. */
const names = ['passing', 'failing', 'skipping', 'empty', 'broken', 'rejecting', 'hanging']

export default defineConfig({
  test: { projects: names.map((name) => ({ test: { name, include: [`${name}.suite.ts`] } })) },
})
