import { defineConfig } from 'vitest/config'
import { suites } from './test/suites.js'

export default defineConfig({
  test: {
    // Vitest leaves a core to itself by default; of two that would be half.
    maxWorkers: 2,
    projects: suites.map(({ name, browser, testApp }) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        globalSetup: testApp ? ['test/support/app/once.ts'] : [],
        setupFiles: ['test/setup.ts'],
        fileParallelism: !browser,
        // Modules are loaded once a worker, not once a file: of the SDK's suite that saves more than half.
        isolate: false,
        // Else every write would ask git for a name, which is another on each machine.
        env: { AFIELD_AUTHOR: 'Tests' },
        testTimeout: browser ? 30_000 : 10_000,
        hookTimeout: 30_000,
        // What a test waits for may take as long as the test itself.
        expect: { poll: { timeout: browser ? 25_000 : 8_000, interval: browser ? 50 : 10 } },
      },
    })),
  },
})
