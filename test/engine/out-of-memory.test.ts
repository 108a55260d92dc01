import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startKindsWorld, type KindsWorld } from '../e2e/support/kinds-world.js'
import { HARD_INPUTS } from '../support/models/hard.js'

let world: KindsWorld
let browser: Browser

beforeAll(async () => {
  world = await startKindsWorld(['fills-memory'])
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('what needs more memory than there is fails alone, and its engine gives the memory back', async () => {
  const page = await browser.open(world.url)
  const { good, bad, answer } = HARD_INPUTS['fills-memory']
  const settled = await page.evaluate(
    async (given) => {
      globalThis.afield = createAfield({ repository: given.repository, root: given.root })
      globalThis.model = await afield.load('fills-memory')
      const ask = async (input: Record<string, unknown>): Promise<unknown> => {
        try {
          return (await model.predict(input)).outputs
        } catch (error) {
          return error instanceof AfieldError ? error.code : String(error)
        }
      }
      const together = await Promise.all([ask(given.good), ask(given.bad), ask(given.good)])
      // What waits for the engine that is about to be given up.
      const bad = ask(given.bad)
      await Promise.resolve()
      const behind = await Promise.all([ask(given.good), ask(given.good), ask(given.good)])
      return {
        together,
        behind: [await bad, ...behind],
        later: await ask(given.good),
        failures: (await model.explain()).failures,
      }
    },
    { repository: world.repository, root: world.root, good, bad },
  )
  expect(settled).toEqual({
    together: [answer, 'engine/out-of-memory', answer],
    behind: ['engine/out-of-memory', answer, answer, answer],
    later: answer,
    failures: [],
  })
}, 60_000)
