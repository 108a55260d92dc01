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
        // What a test waits for may take as long as the test itself.
        expect: { poll: { timeout: browser ? 25_000 : 8_000, interval: browser ? 50 : 10 } },
      },
    })),
  },
})
