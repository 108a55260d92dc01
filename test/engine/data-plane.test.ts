import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { loadOn, startEngineWorld, type EngineWorld } from './support/engine-world.js'

describe.each([
  { isolated: false, by: 'on any page' },
  { isolated: true, by: 'on an isolated page' },
])('asked $by', ({ isolated }) => {
  let world: EngineWorld
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    world = await startEngineWorld({ isolated })
    browser = await launchChromium()
  }, 60_000)
  beforeEach(async () => {
    page = await browser.open(world.url)
  })
  afterEach(async () => {
    await page.close()
  })
  afterAll(async () => {
    await browser?.close()
    await world?.close()
  })

  test('answers one after the other, in any form an input may have', async () => {
    await loadOn(page, world, 'digits-tensors')
    const seen = await page.evaluate(async () => {
      const pixels = Float32Array.from({ length: 64 }, (_, i) => (i * 7) % 16)
      const read = async (input: unknown): Promise<unknown> => {
        const { outputs } = await model.predict(input as never)
        const { dims, dtype, data } = outputs['probabilities'] as {
          dims: number[]
          dtype: string
          data: Float32Array
        }
        return { dims, dtype, data: [...data].map((share) => Number(share.toFixed(5))) }
      }
      const answers: unknown[] = []
      for (let i = 0; i < 50; i++) answers.push(await read(pixels))
      answers.push(
        await read({ pixels }),
        await read([...pixels]),
        await read({ dims: [1, 64], data: pixels }),
      )
      answers.push(await read(new Float32Array([...pixels, ...pixels]).subarray(64)))
      const two = await read(new Float32Array([...pixels, ...pixels]))
      return { crossOriginIsolated, distinct: [...new Set(answers.map((one) => JSON.stringify(one)))], two }
    })
    expect(seen.crossOriginIsolated).toBe(isolated)
    expect(seen.distinct).toHaveLength(1)
    const one = JSON.parse(seen.distinct[0] ?? '') as { dims: number[]; data: number[] }
    expect(one).toMatchObject({ dims: [1, 10], dtype: 'float32' })
    expect(one.data.reduce((sum, share) => sum + share)).toBeCloseTo(1, 3)
    expect(seen.two).toEqual({ dims: [2, 10], dtype: 'float32', data: [...one.data, ...one.data] })
  })

  test('predictions in a loop leave the page its frames and timers', async () => {
    await loadOn(page, world, 'digits-tensors')
    const seen = await page.evaluate(async () => {
      const timers: number[] = []
      const ticking = setInterval(() => timers.push(performance.now()), 10)
      const tasks: number[] = []
      const watching = new PerformanceObserver((list) =>
        tasks.push(...list.getEntries().map(({ duration }) => duration)),
      )
      await model.predict(new Float32Array(64))
      watching.observe({ type: 'longtask' })
      const until = performance.now() + 500
      for (let i = 0; i < 20_000 && (timers.length <= 10 || performance.now() < until); i++)
        await model.predict(new Float32Array(64))
      clearInterval(ticking)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return { timers: timers.length, tasks: tasks.filter((ms) => ms > 200) }
    })
    expect(seen.timers).toBeGreaterThan(10)
    expect(seen.tasks).toEqual([])
  })

  test('of 1,000 that are asked at once, one is bad: 999 answers, one error', async () => {
    await loadOn(page, world, 'digits-tensors')
    const seen = await page.evaluate(async () => {
      const inputs = Array.from({ length: 1000 }, (_, n) =>
        Float32Array.from({ length: n === 500 ? 63 : 64 }, (_, i) => (i * n) % 17),
      )
      const alone = await Promise.all([3, 999].map((n) => model.predict(inputs[n] as never)))
      const settled = await Promise.allSettled(inputs.map((input) => model.predict(input as never)))
      const again = await model.predict(inputs[3] as never)
      const shares = (one: { outputs: Record<string, unknown> } | undefined): number[] => [
        ...((one?.outputs['probabilities'] as { data?: Float32Array } | undefined)?.data ?? []),
      ]
      const apart = (a: number[], b: number[]): number =>
        Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? 9))))
      const answered = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const failed = settled.flatMap((one, n) => (one.status === 'rejected' ? [[n, one.reason.code]] : []))
      const at = (n: number) => (settled[n] as PromiseFulfilledResult<(typeof answered)[0]>).value
      return {
        answered: answered.length,
        failed,
        apart: [apart(shares(at(3)), shares(alone[0])), apart(shares(at(999)), shares(alone[1]))],
        again: again.modelVersion,
      }
    })
    expect(seen).toMatchObject({ answered: 999, failed: [[500, 'input/invalid']], again: '1.0.0' })
    for (const difference of seen.apart) expect(difference).toBeLessThan(1e-5)
  })

  test('a tensor that has two names in the answers is in both', async () => {
    await loadOn(page, world, 'digits-twice', { hungAfterMs: 5000 })
    const seen = await page.evaluate(async () => {
      const inputs = Array.from({ length: 100 }, (_, n) => new Float32Array(64).fill(n % 16))
      const answers = await Promise.all(inputs.map((input) => model.predict(input as never)))
      const read = (name: string) =>
        answers.map(({ outputs }) => [...((outputs[name] as { data?: Float32Array }).data ?? [])])
      return { one: read('one'), other: read('other') }
    })
    expect(seen.one).toHaveLength(100)
    expect(seen.one[99]).toHaveLength(10)
    expect(seen.other).toEqual(seen.one)
  })

  test('an engine that is ended in mid-run: everything is answered by another, which the next call finds', async () => {
    await loadOn(page, world, 'loop')
    const seen = await page.evaluate(async () => {
      const long = model.predict(BigInt64Array.of(1_000_000n))
      const behind = Array.from({ length: 5 }, (_, i) => model.predict(BigInt64Array.of(BigInt(i)) as never))
      await new Promise((resolve) => setTimeout(resolve, 100))
      const before = engineWorkers.length
      engineWorkers
        .at(-1)
        ?.dispatchEvent(new ErrorEvent('error', { message: 'ended by the test', cancelable: true }))
      const totals = await Promise.all(
        [long, ...behind].map(
          async (one) => ((await one).outputs['total'] as { data: Float32Array }).data[0],
        ),
      )
      const next = await model.predict(BigInt64Array.of(7n))
      return { totals, started: engineWorkers.length - before, next: next.modelVersion }
    })
    expect(seen).toEqual({ totals: [1_000_000, 0, 1, 2, 3, 4], started: 1, next: '1.0.0' })
  })

  test('a run that hangs is ended in time; what waited behind it is answered, and so is the next call', async () => {
    await loadOn(page, world, 'loop', { hungAfterMs: 700 })
    const seen = await page.evaluate(async () => {
      const total = async (steps: bigint): Promise<unknown> => {
        const { outputs } = await model.predict(BigInt64Array.of(steps))
        return (outputs['total'] as { data: Float32Array }).data[0]
      }
      await total(1n)
      const began = performance.now()
      const hung = total(10n ** 15n).catch((error: unknown) => ({
        code: (error as { code: string }).code,
        ms: performance.now() - began,
      }))
      const behind = [total(2n), total(3n)]
      return { hung: await hung, behind: await Promise.all(behind), next: await total(4n) }
    })
    const { code, ms } = seen.hung as { code: string; ms: number }
    expect(code).toBe('engine/hung')
    expect(ms).toBeGreaterThanOrEqual(699)
    // Without the option it would be 30 s.
    expect(ms).toBeLessThan(15_000)
    expect(seen).toMatchObject({ behind: [2, 3], next: 4 })
  })

  test('of runs that were asked for together each answer comes when it is there, and one that hangs takes no other along', async () => {
    await loadOn(page, world, 'loop', { hungAfterMs: 1500 })
    const seen = await page.evaluate(async () => {
      const total = async (steps: bigint): Promise<unknown> => {
        const { outputs } = await model.predict(BigInt64Array.of(steps))
        return (outputs['total'] as { data: Float32Array }).data[0]
      }
      // What comes while it runs waits for it, and travels together.
      const first = total(200_000n)
      const order: unknown[] = []
      const asked = [2n, 10n ** 15n, 3n, 200_000n, 4n].map((steps) =>
        total(steps)
          .catch((error: unknown) => (error as { code: string }).code)
          .then((said) => (order.push(said), said)),
      )
      await first
      return { said: await Promise.all(asked), order }
    })
    expect(seen).toEqual({
      said: [2, 'engine/hung', 3, 200_000, 4],
      order: [2, 'engine/hung', 3, 200_000, 4],
    })
  })

  test('many runs that take longer together than one may are no run that hangs', async () => {
    await loadOn(page, world, 'loop', { hungAfterMs: 1000 })
    const seen = await page.evaluate(async () => {
      const total = async (steps: number): Promise<unknown> => {
        const { outputs } = await model.predict(BigInt64Array.of(BigInt(steps)))
        return (outputs['total'] as { data: Float32Array }).data[0]
      }
      const timed = async (steps: number): Promise<number> => {
        const began = performance.now()
        await total(steps)
        return performance.now() - began
      }
      await timed(50_000)
      const twentyMs = Math.ceil((20 * 50_000) / Math.min(await timed(50_000), await timed(50_000)))
      // After quick ones, packs are large.
      await Promise.all(Array.from({ length: 300 }, () => total(1)))
      const before = engineWorkers.length
      const asked = Array.from({ length: 150 }, (_, i) => twentyMs + i)
      const candidates = asked.map((steps) => BigInt64Array.of(BigInt(steps)) as never)
      const { results, failures } = await model.predictMany(candidates)
      const totals = await Promise.all(asked.map(total))
      const isRight = totals.every((one, i) => one === asked[i])
      return { isRight, many: [results.length, failures.length], started: engineWorkers.length - before }
    })
    expect(seen).toEqual({ isRight: true, many: [150, 0], started: 0 })
  })

  test('a call can be given up in every state, and takes no other along', async () => {
    await loadOn(page, world, 'loop')
    const seen = await page.evaluate(async () => {
      const codeOf = (call: Promise<unknown>): Promise<unknown> =>
        call.then(
          () => 'answered',
          (error: unknown) => (error as { code: string }).code,
        )
      const steps = (count: number) => BigInt64Array.of(BigInt(count)) as never
      await model.predict(steps(1))
      const before = codeOf(model.predict(steps(1), { signal: AbortSignal.abort() }))
      const whileRunning = new AbortController()
      const whileQueued = new AbortController()
      const running = codeOf(model.predict(steps(2_000_000), { signal: whileRunning.signal }))
      const queued = codeOf(model.predict(steps(10 ** 15), { signal: whileQueued.signal }))
      const kept = codeOf(model.predict(steps(2)))
      const many = new AbortController()
      const inMany = codeOf(model.predictMany([steps(10 ** 15), steps(10 ** 15)], { signal: many.signal }))
      await new Promise((resolve) => setTimeout(resolve, 50))
      for (const one of [whileRunning, whileQueued, many]) one.abort()
      const codes = await Promise.all([before, running, queued, inMany, kept])
      const recovering = new AbortController()
      engineWorkers
        .at(-1)
        ?.dispatchEvent(new ErrorEvent('error', { message: 'ended by the test', cancelable: true }))
      await Promise.resolve()
      const whileRecovering = codeOf(model.predict(steps(2), { signal: recovering.signal }))
      recovering.abort()
      return [...codes, await whileRecovering, await codeOf(model.predict(steps(2)))]
    })
    expect(seen).toEqual(['aborted', 'aborted', 'aborted', 'aborted', 'answered', 'aborted', 'answered'])
  })

  test('a limit of time holds, of a pinned stream too, and where the code that watches it does not arrive', async () => {
    // Another browser has that code in its cache by now.
    const fresh = await launchChromium()
    try {
      const own = await fresh.open(world.url)
      world.server.fault('/app/**/open-guard*', { kind: 'refuse' })
      await loadOn(own, world, 'loop')
      const settle = (): Promise<unknown[]> =>
        own.evaluate(async () => {
          const pinned = await model.pin()
          const codes: unknown[] = []
          for (const asked of [model, pinned])
            for (const [steps, timeoutMs] of [
              [1n, 5000],
              [200_000n, 1],
            ] as const) {
              codes.push(
                await asked.predict(BigInt64Array.of(steps) as never, { timeoutMs }).then(
                  () => 'answered',
                  (error: unknown) => (error as { code: string }).code,
                ),
              )
            }
          pinned.release()
          return codes
        })
      const expected = ['answered', 'engine/timeout', 'answered', 'engine/timeout']
      expect(await settle()).toEqual(expected)
      world.server.clearFaults()
      expect(await settle()).toEqual(expected)
    } finally {
      world.server.clearFaults()
      await fresh.close()
    }
  })

  test('answers kept for inputs that come again say so', async () => {
    await loadOn(page, world, 'digits-tensors', { cache: 2 })
    const seen = await page.evaluate(async () => {
      const input = (n: number) => Float32Array.from({ length: 64 }, (_, i) => (i * n) % 17) as never
      const cached = async (n: number): Promise<boolean> => (await model.predict(input(n))).cached ?? false
      const first = await model.predict(input(1))
      const again = await model.predict(input(1))
      const same = JSON.stringify(first.outputs) === JSON.stringify(again.outputs)
      // A test prediction is a real run each time, and takes no answer's place.
      let remembered = 0
      engineWorkers[0]?.addEventListener('message', ({ data }) => {
        for (const answer of data.answers ?? []) if (answer.cached) remembered++
      })
      await model.health()
      await model.health()
      const tested = remembered
      return {
        same,
        tested,
        hits: [await cached(1), await cached(2), await cached(3), await cached(1), await cached(3)],
      }
    })
    expect(seen).toEqual({ same: true, tested: 0, hits: [true, false, false, false, true] })
  })
})
