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

/** Waits until a verdict on WebGPU is there. */
export async function verdict(page: Page, withinMs = 60_000): Promise<Explanation['backends'][number]> {
  const end = Date.now() + withinMs
  for (;;) {
    const [found] = (await explain(page)).backends
    if (found) return found
    if (Date.now() > end) throw new Error('No verdict came.')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Changes what the device remembers about backends. */
export function editRecord(page: Page, change: { bringUpMs?: object; until?: number }): Promise<void> {
  return page.evaluate(async (given: { bringUpMs?: object; until?: number }) => {
    const asked = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await asked(indexedDB.open('afield-1-default-state'))
    const entries = database.transaction('entries', 'readwrite').objectStore('entries')
    const record = ((await asked(entries.get('backends'))) ?? {
      verdicts: [],
      strikes: {},
      bringUpMs: {},
    }) as {
      verdicts: { until?: number }[]
      bringUpMs: object
    }
    for (const one of record.verdicts) if (given.until !== undefined) one.until = given.until
    await asked(entries.put({ ...record, bringUpMs: given.bringUpMs ?? record.bringUpMs }, 'backends'))
    database.close()
  }, change)
}

/** Has engines of a model that `labours` run for so long. */
export function work(page: Page, ms: number): Promise<void> {
  return page.evaluate(async (given: number) => {
    const began = performance.now()
    while (performance.now() - began < given) await model.predict({ x: 1 })
  }, ms)
}
