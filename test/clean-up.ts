import { afterAll, afterEach, vi } from 'vitest'

type CleanUp = () => unknown

const ofTest: CleanUp[] = []
const ofFile: CleanUp[] = []

/** Ends what a helper started inside a test when that test is over, the last started first. */
export function afterTest(cleanUp: CleanUp): void {
  ofTest.push(cleanUp)
}

/** Ends what a helper started when the tests of the file that asked for it are over, the last started first. */
export function afterFile(cleanUp: CleanUp): void {
  ofFile.push(cleanUp)
}

/**
 * Called once for each test file, by the set-up. Helpers cannot register hooks of their own: they are loaded once
 * for all files of a worker, and a hook belongs to the file during which it is registered. Nor may a file leave the
 * next one a stub.
 */
export function cleanUpAfterEach(): void {
  afterEach(() => run(ofTest))
  afterAll(async () => {
    vi.useRealTimers().unstubAllEnvs().unstubAllGlobals().restoreAllMocks()
    await run(ofFile)
  })
}

async function run(cleanUps: CleanUp[]): Promise<void> {
  const errors: unknown[] = []
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    try {
      await cleanUp()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'What the tests started could not be ended.')
}
