import type { Backend } from 'afield'
import type { Page } from '../../browser/browser.js'
import { launchChromium } from '../../browser/chromium.js'
import { figure, type Figure } from '../figure.js'
import { quantile } from './quantiles.js'
import { startDigits } from './digits.js'

const PER_SECOND = 50
const INPUTS = 64
const BEFORE_MS = 2000
const AFTER_MS = 3000
const SWAP_WITHIN_MS = 90_000
/** What the model's config allows between its answers and the golden vectors. */
const TOLERANCE = { absolute: 1e-4, relative: 1e-3 }

interface Answered {
  readonly at: number
  readonly ms: number
  readonly backend: Backend | undefined
  /** How many tolerances it lies from what WASM answered to the same input; at most 1 is right. */
  readonly distance: number
  readonly error?: string
}

interface Watched {
  readonly answers: readonly Answered[]
  readonly switchedAt: number | undefined
}

/**
 * A page that is served on WASM is told to use WebGPU, on an adapter that runs on the CPU: what it answers while the
 * other backend is brought up, proves itself and takes over is compared with WASM's answers to the same inputs.
 */
export async function benchBackendSwap(): Promise<readonly Figure[]> {
  const world = await startDigits()
  const browser = await launchChromium({ softwareGpu: true })
  try {
    const page = await browser.open(world.url)
    await page.evaluate(
      async (options) => {
        globalThis.afield = createAfield(options)
        globalThis.model = await afield.load('digits-mlp', { backend: 'wasm' })
      },
      { repository: world.repository, root: world.root },
    )
    const { answers, switchedAt } = await watch(page)
    const failures = answers.filter(({ error }) => error !== undefined)
    const on = (backend: Backend): readonly Answered[] => answers.filter((one) => one.backend === backend)
    const distances = on('webgpu').map(({ distance }) => distance)
    return [
      figure('serve/backend-swap/swaps-missing', '', [switchedAt === undefined ? 1 : 0], { most: 0 }),
      figure('serve/backend-swap/failures', '', [failures.length], { most: 0 }),
      figure(
        'serve/backend-swap/answers-out-of-tolerance',
        '',
        [answers.filter(({ error, distance }) => error === undefined && !(distance <= 1)).length],
        { most: 0 },
      ),
      figure('serve/backend-swap/answers-on-wasm', '', [on('wasm').length]),
      figure('serve/backend-swap/answers-on-webgpu', '', [on('webgpu').length]),
      figure('serve/backend-swap/furthest-from-wasm', 'tolerances', [Math.max(...distances)]),
      figure('serve/backend-swap/bring-up', 'ms', [switchedAt ?? Number.NaN]),
      figure('serve/backend-swap/p99-until-the-swap', 'ms', [
        quantile(
          on('wasm').map(({ ms }) => ms),
          0.99,
        ),
      ]),
    ]
  } finally {
    await browser.close()
    await world.close()
  }
}

function watch(page: Page): Promise<Watched> {
  return page.evaluate(
    async ({ perSecond, inputs, beforeMs, afterMs, withinMs, tolerance }) => {
      let seed = 20261121
      const random = (): number => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
        return seed / 2 ** 32
      }
      const names = Array.from({ length: 64 }, (_, i) => `pixel_${String(i).padStart(2, '0')}`)
      const records = Array.from({ length: inputs }, () =>
        Object.fromEntries(names.map((name) => [name, Math.floor(random() * 17)])),
      )
      const truths = await Promise.all(records.map((record) => model.predict(record)))
      const distanceOf = (given: object, truth: object): number =>
        Math.max(
          ...Object.entries(truth).map(([name, expected]) => {
            const value = Number((given as Record<string, unknown>)[name])
            return (
              Math.abs(value - Number(expected)) /
              (tolerance.absolute + tolerance.relative * Math.abs(Number(expected)))
            )
          }),
        )
      const answers: Answered[] = []
      const ask = async (i: number): Promise<void> => {
        const at = performance.now()
        try {
          const { outputs, backend } = await model.predict(records[i % inputs] ?? {})
          const ms = performance.now() - at
          answers.push({ at, ms, backend, distance: distanceOf(outputs, truths[i % inputs]?.outputs ?? {}) })
        } catch (error) {
          const code = error instanceof AfieldError ? error.code : String(error)
          const ms = performance.now() - at
          answers.push({ at, ms, backend: undefined, distance: NaN, error: code })
        }
      }
      const began = performance.now()
      let asked = 0
      const timer = setInterval(() => {
        const due = ((performance.now() - began) * perSecond) / 1000
        while (asked < due) void ask(asked++)
      }, 1000 / perSecond)
      const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
      await pause(beforeMs)
      const told = performance.now()
      await afield.load('digits-mlp', { backend: 'webgpu' })
      const switched = (): number | undefined => answers.find(({ backend }) => backend === 'webgpu')?.at
      while (switched() === undefined && performance.now() < told + withinMs) await pause(50)
      const at = switched()
      await pause(afterMs)
      clearInterval(timer)
      await pause(500)
      return { answers, switchedAt: at === undefined ? undefined : at - told }
    },
    {
      perSecond: PER_SECOND,
      inputs: INPUTS,
      beforeMs: BEFORE_MS,
      afterMs: AFTER_MS,
      withinMs: SWAP_WITHIN_MS,
      tolerance: TOLERANCE,
    },
  )
}
