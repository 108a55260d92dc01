import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Running } from '../../packages/sdk/dist/keeper/activation/serving.js'
import { tryBackend, type Candidate } from '../../packages/sdk/dist/keeper/engines/try-backend.js'
import type { Engine, Ports } from '../../packages/sdk/dist/keeper/ports.js'
import { LocalEngine } from '../../packages/sdk/dist/node/local-engine.js'
import { KIND_CONTRACTS } from '../support/kind-models.js'
import { DAY, TestClock } from './support/clock.js'

const CANDIDATE = { build: 'jspi', modelBytes: 1, model: {} } as Candidate
const LOAD = { inferenceMs: 10_000, together: 1 }

/** A trial of a backend that takes 1 ms beside an engine that takes as long as is said. */
function trial(backend: 'auto' | 'webgpu', wasm: Promise<number>, clock = new TestClock()) {
  const closed: string[] = []
  const candidate = {
    load: () => Promise.resolve({}),
    measure: () => Promise.resolve(1),
    close: () => closed.push('candidate'),
  } as unknown as Engine
  const engine = { measure: () => wasm, close: () => closed.push('wasm') } as unknown as Engine
  const ports = { clock, host: { openEngine: () => Promise.resolve(candidate) } } as unknown as Ports
  const tried = tryBackend(ports, { engine } as Running, { ...LOAD, backend }, CANDIDATE)
  return { tried, clock, closed }
}

test('an engine that hangs while it is measured ends the trial, and says nothing about the backend', async () => {
  const { tried, clock, closed } = trial('auto', new Promise(() => undefined))
  const failure = tried.catch((error: unknown) => error)
  await new Promise((resolve) => setTimeout(resolve, 0))
  clock.advance(3 * 60 * 1000)
  expect(await failure).toMatchObject({ code: 'engine/unavailable', cause: { code: 'engine/hung' } })
  expect(closed).toEqual(['candidate'])
})

test('what takes no less than 0.9 of what WASM takes does not serve, unless it is asked for', async () => {
  expect(await trial('auto', Promise.resolve(1.2)).tried).toMatchObject({ serves: true, wasmMs: 1.2 })
  expect(await trial('auto', Promise.resolve(1.1)).tried).toMatchObject({ serves: false, backendMs: 1 })
  expect(await trial('webgpu', new Promise(() => undefined)).tried).toMatchObject({ serves: true })
})

test.each([
  ['a day back', -DAY, 0],
  ['a day ahead', DAY, 3 * 60 * 1000],
])('a clock that is set %s meanwhile does not put the next trial off for days', async (_how, by, most) => {
  const clock = new TestClock()
  const began = clock.now()
  let asked = 0
  clock.now = () => (asked++ === 0 ? began : began + by)
  const { bringUpMs } = await trial('webgpu', Promise.resolve(1), clock).tried
  expect(bringUpMs).toBe(most)
})

test('runs that give no answers are not measured: what fails at once would be the fastest', async () => {
  const engine = new LocalEngine(1)
  const bytes = new Uint8Array(await readFile('test/models/kinds/pick.onnx'))
  const of = { bytes, backend: 'wasm', externalData: [], operators: [], contract: KIND_CONTRACTS.pick }
  await engine.load({ ...of, model: 'pick', version: '1.0.0', assets: {}, stateOf: 'pick 0' } as never)
  const ask = (...at: readonly number[]) =>
    engine.measure(3, {
      vectors: at.map((row) => ({ input: { at: { dims: [1, 1], data: [row] } }, output: { value: 9 } })),
      tolerance: { absolute: 0, relative: 0 },
      replay: 'passed',
    })
  expect(await ask(3)).toBeGreaterThan(0)
  await expect(ask(3, 99)).rejects.toMatchObject({
    code: 'model/self-test-failed',
    message: expect.stringContaining('golden vector 2 got no answer') as string,
    cause: { code: 'engine/run-failed' },
  })
  engine.close()
})
