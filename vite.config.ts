import { defineConfig } from 'vitest/config'
import { suites } from './test/suites.js'

export default defineConfig({
  test: {
    // Vitest leaves a core to itself by default; of two that would be half.
    maxWorkers: 2,
    projects: suites.map(({ name, browser }) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        setupFiles: ['test/seed.ts'],
        fileParallelism: !browser,
        testTimeout: browser ? 30_000 : 10_000,
        hookTimeout: 30_000,
      },
    })),
  },
})
