import type { AfieldOptions, Explanation, LoadOptions, Prediction } from 'afield'
import type { Page } from '../../browser/browser.js'
import type { GpuWorld } from './gpu-world.js'

/** Loads a model on the page, and notes what its backends do in `globalThis.moves`. */
export function load(page: Page, world: GpuWorld, name: string, serving: LoadOptions = {}): Promise<void> {
  return page.evaluate(
    async (given: { options: AfieldOptions; name: string; serving: LoadOptions }) => {
      globalThis.afield = createAfield(given.options)
      globalThis.moves = []
      afield.on('backend', ({ backend, previous, reason }) => moves.push([previous, backend, reason]))
      globalThis.model = await afield.load(given.name, given.serving)
    },
    { options: world.options, name, serving },
  )
}

declare global {
  var moves: (readonly [previous: string, backend: string, reason: string])[]
}

export function predict(page: Page, x = 3): Promise<Prediction> {
  return page.evaluate((given: number) => model.predict({ x: given }), x)
}

export function explain(page: Page): Promise<Explanation> {
  return page.evaluate(() => model.explain())
}

/** Waits until this many moves between backends were told, and returns them. */
export function moved(page: Page, count: number, withinMs = 60_000): Promise<typeof moves> {
  return page.evaluate(
    async (given: { count: number; withinMs: number }) => {
      const end = performance.now() + given.withinMs
      while (moves.length < given.count && performance.now() < end)
        await new Promise((done) => setTimeout(done, 50))
      return moves
    },
    { count, withinMs },
  )
}
