import type { AfieldOptions, Explanation, Prediction, TelemetryReport } from 'afield'
import type { Page } from '../../browser/browser.js'
import type { World } from './world.js'

export const RECORD = { hours_studied: 3, quiz_score: 42 }

/** What the two good versions say about {@link RECORD}, to two digits. */
export const RISK: Readonly<Record<string, number>> = { '1.0.0': 0.71, '2.0.0': 0.98 }

/** Makes the page a device that has loaded learner-risk, and returns the version that serves. */
export function loadModel(
  page: Page,
  world: World,
  more: Partial<AfieldOptions> = {},
): Promise<string | undefined> {
  const options = { repository: `${world.server.url}/repo/`, root: world.root, ...more }
  return page.evaluate(async (given: AfieldOptions) => {
    globalThis.afield = createAfield(given)
    globalThis.model = await afield.load('learner-risk')
    return model.version
  }, options)
}

/** Telemetry as it must be for a test to see it: sealed only when the test says so, and shown from one on. */
export function telemetryTo(world: World): Partial<AfieldOptions> {
  return {
    telemetry: {
      endpoint: `${world.collector.url}/v1/batches`,
      key: 'test-app',
      basis: 'consent',
      sealEveryMs: 3_600_000,
      floor: 1,
    },
  }
}

export function predict(page: Page, record: object = RECORD): Promise<Prediction> {
  return page.evaluate((given: object) => model.predict(given as Record<string, unknown>), record)
}

/** Predicts one after the other and returns how many each version answered. */
export function predictMany(page: Page, count: number): Promise<Record<string, number>> {
  return page.evaluate(
    async ({ record, times }) => {
      const byVersion: Record<string, number> = {}
      for (let i = 0; i < times; i++) {
        const { modelVersion } = await model.predict(record)
        byVersion[modelVersion] = (byVersion[modelVersion] ?? 0) + 1
      }
      return byVersion
    },
    { record: RECORD, times: count },
  )
}

/** The code of the error that a prediction is refused with. */
export function refusal(
  page: Page,
  record: object,
): Promise<{ code: string; message: string; field?: string }> {
  return page.evaluate(async (given: object) => {
    try {
      await model.predict(given as Record<string, unknown>)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      const { field } = error.details
      return { code: error.code, message: error.message, ...(typeof field === 'string' ? { field } : {}) }
    }
    throw new Error('nothing was refused')
  }, record)
}

/** Looks for news; returns the code of the error when that fails. */
export function check(page: Page): Promise<string> {
  return page.evaluate(async () => {
    try {
      await afield.check()
      return 'checked'
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      return error.code
    }
  })
}

export function explain(page: Page): Promise<Explanation> {
  return page.evaluate(() => model.explain())
}

export function telemetry(page: Page): Promise<TelemetryReport> {
  return page.evaluate(() => afield.telemetry())
}

export function flush(page: Page): Promise<void> {
  return page.evaluate(() => afield.flush())
}

/** Installs the app's service worker, so that the page itself needs no network from the next visit on. */
export function installApp(page: Page): Promise<void> {
  return page.evaluate(async () => {
    await navigator.serviceWorker.register('./sw.js')
    await navigator.serviceWorker.ready
  })
}
