import { AfieldError, type ErrorCode, type Outputs } from '@afield/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Breaker } from '../../packages/sdk/dist/router/breaker.js'
import { Chain, type RemoteAnswers } from '../../packages/sdk/dist/router/fallback/chain.js'
import type { FallbackOptions } from '../../packages/sdk/dist/router/fallback/options.js'
import { Guard, type GuardOptions } from '../../packages/sdk/dist/router/guard.js'
import { guardOf } from '../../packages/sdk/dist/router/guarded.js'
import { Lifeline } from '../../packages/sdk/dist/router/lifeline.js'
import { modelHandle } from '../../packages/sdk/dist/router/model-handle.js'
import type { OpenPage } from '../../packages/sdk/dist/router/open-page.js'
import { openGuard } from '../../packages/sdk/dist/router/open-guard.js'
import type { Route } from '../../packages/sdk/dist/router/route.js'

const MINUTE = 60_000
const CONSTANT = { risk: 0.5 }

type Answering = GuardOptions['route']
type Served = NonNullable<Answering['served']>

/** A model that answers, fails or hangs as it is told. */
class Model implements Answering {
  readonly name = 'risk'
  served: Served | undefined = servedVersion('1.0.0')
  /** What it fails with; `hang` never ends by itself. */
  fails: ErrorCode | 'hang' | undefined
  /** What each candidate of many fails with, the others like the last. */
  failsEach: readonly ErrorCode[] = []
  asked = 0

  async predict(_input: unknown, { signal }: { signal?: AbortSignal | undefined } = {}) {
    this.asked += 1
    await this.#fail(signal)
    return { outputs: { risk: 0.25 }, ...this.#by() }
  }

  async predictMany(candidates: readonly unknown[], { signal }: { signal?: AbortSignal | undefined } = {}) {
    this.asked += 1
    await this.#fail(signal)
    if (this.failsEach.length > 0) {
      const failures = candidates.map((_, index) => {
        const code = this.failsEach[index] ?? this.failsEach.at(-1) ?? 'internal/unexpected'
        return { index, error: new AfieldError(code, 'On purpose.') }
      })
      return { results: [], failures, ...this.#by() }
    }
    const results = candidates.map((_, index) => ({ index, outputs: { risk: 0.25 } }))
    return { results, failures: [], ...this.#by() }
  }

  #by() {
    const { version = '' } = this.served ?? {}
    const how = { servedBy: 'model', backend: 'wasm', latencyMs: 0 } as const
    return { model: this.name, modelVersion: version, ...how }
  }

  async #fail(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortError(signal.reason)
    if (this.fails === 'hang') {
      await new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(abortError(signal.reason)))
      })
    } else if (this.fails) throw new AfieldError(this.fails, 'On purpose.')
  }
}

function servedVersion(version: string): Served {
  return { model: 'risk', version, arm: 'stable', backend: 'wasm', epoch: 0, step: 0 } as Served
}

function abortError(reason: unknown): AfieldError {
  return reason instanceof AfieldError ? reason : new AfieldError('aborted', 'The call was aborted.')
}

let model: Model
let now: number
let doubts: AfieldError[]
let loads: number
let loading: () => Promise<unknown>
let provenAnew: () => void
/** What was counted as failed though the model was not asked, and what answered in its place. */
let counted: (readonly [string, number])[]

beforeEach(() => {
  model = new Model()
  now = 0
  doubts = []
  loads = 0
  counted = []
  loading = () => Promise.reject(new AfieldError('manifest/unavailable', 'Still offline.'))
})

function guardWith(fallback?: FallbackOptions, remote?: RemoteAnswers): Guard {
  const guard = new Guard({
    route: model,
    model: 'risk',
    throwIfClosed: () => undefined,
    doubt: (error) => {
      doubts.push(error)
      return new Promise((resolve) => (provenAnew = resolve))
    },
    load: () => {
      loads += 1
      return loading()
    },
    fellBack: (by, _ms, times) => void counted.push([by, times]),
    refused: ({ code }, times) => void counted.push([code, times]),
    breaker: new Breaker(() => now),
  })
  if (fallback) guard.fallBackTo(new Chain(fallback, remote, () => undefined))
  return guard
}

async function answersOf(guard: Guard, times: number): Promise<string[]> {
  const seen: string[] = []
  for (let i = 0; i < times; i++) {
    seen.push(
      await guard.predict({}).then(
        ({ servedBy, modelVersion }) => `${servedBy} ${modelVersion}`,
        (error: AfieldError) => error.code,
      ),
    )
  }
  return seen
}

describe('without a fallback', () => {
  test('a model that works answers itself', async () => {
    const answer = await guardWith().predict({})
    expect(answer).toMatchObject({ outputs: { risk: 0.25 }, servedBy: 'model', modelVersion: '1.0.0' })
    expect(answer.latencyMs).toBeGreaterThan(0)
  })

  test('five failures in a row are told as they are; then it is left alone, and the last of them is the cause', async () => {
    const guard = guardWith()
    model.fails = 'engine/run-failed'
    expect(await answersOf(guard, 7)).toEqual([
      ...Array.from({ length: 5 }, () => 'engine/run-failed'),
      'engine/unavailable',
      'engine/unavailable',
    ])
    expect(model.asked).toBe(5)
    await expect(guard.predict({})).rejects.toMatchObject({
      message: '"risk" failed several times in a row and is tried again in 60 s.',
      details: { retryAfterMs: MINUTE },
      cause: { code: 'engine/run-failed' },
    })
  })

  test('once it is open the version is doubted, and what proved itself anew is tried at once', async () => {
    const guard = guardWith()
    model.fails = 'engine/hung'
    await answersOf(guard, 5)
    expect(doubts).toMatchObject([{ code: 'engine/hung' }])
    model.fails = undefined
    expect(await answersOf(guard, 1)).toEqual(['engine/unavailable'])
    provenAnew()
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(await answersOf(guard, 2)).toEqual(['model 1.0.0', 'model 1.0.0'])
    expect(guard.breaker.state).toBe('closed')
  })

  test('another version begins with a clean slate', async () => {
    const guard = guardWith()
    model.fails = 'engine/run-failed'
    await answersOf(guard, 5)
    guard.breaker.open()
    model.fails = undefined
    model.served = servedVersion('0.9.0')
    expect(await answersOf(guard, 1)).toEqual(['model 0.9.0'])
  })

  test.each([
    'input/invalid',
    'aborted',
    'closed',
    'engine/overloaded',
    'engine/timeout',
    'model/killed',
    'model/revoked',
  ] as const)('%s says nothing of the model', async (code) => {
    const guard = guardWith()
    model.fails = code
    expect(new Set(await answersOf(guard, 20))).toEqual(new Set([code]))
    expect([guard.breaker.state, model.asked]).toEqual(['closed', 20])
  })

  test.each([
    ['was taken off the device', 'model/not-found', []],
    ['is switched off', 'model/killed', ['engine/run-failed']],
  ] as const)(
    'what %s says so, opens nothing, and begins anew when it serves again',
    async (_how, code, before) => {
      const guard = guardWith()
      for (const fails of before) {
        model.fails = fails
        await answersOf(guard, 5)
        expect(guard.breaker.state).toBe('open')
      }
      await answersOf(guard, 1)
      const doubted = doubts.length
      model.served = undefined
      model.fails = code
      expect(new Set(await answersOf(guard, 20))).toEqual(new Set([code]))
      expect(doubts).toHaveLength(doubted)
      model.served = servedVersion('1.0.0')
      model.fails = undefined
      expect(await answersOf(guard, 1)).toEqual(['model 1.0.0'])
    },
  )

  test('a call of many counts once, and as a failure where it has failures alone', async () => {
    const guard = guardWith()
    model.fails = 'engine/crashed'
    for (let i = 0; i < 5; i++)
      await expect(guard.predictMany([{}, {}])).rejects.toMatchObject({ code: 'engine/crashed' })
    await expect(guard.predictMany([{}, {}])).rejects.toMatchObject({ code: 'engine/unavailable' })
  })
})

describe('calls that were under way', () => {
  const crash = (): AfieldError => new AfieldError('engine/crashed', 'Late.')

  /** What fails as soon as it is told to. */
  async function underWay(guard: Guard): Promise<() => Promise<void>> {
    model.fails = 'hang'
    const controller = new AbortController()
    const calls = Array.from({ length: 6 }, () => guard.predict({}, { signal: controller.signal }))
    return async () => {
      controller.abort(crash())
      await Promise.allSettled(calls)
    }
  }

  async function proveAnew(): Promise<void> {
    provenAnew()
    await new Promise((resolve) => setTimeout(resolve, 0))
  }

  test('when it opened close out no try, and nothing once that succeeded', async () => {
    const guard = guardWith()
    const [early, late] = [await underWay(guard), await underWay(guard)]
    model.fails = 'engine/crashed'
    await answersOf(guard, 5)
    await proveAnew()
    await early()
    expect(guard.breaker.state).toBe('half-open')
    model.fails = undefined
    expect(await answersOf(guard, 1)).toEqual(['model 1.0.0'])
    await late()
    expect(guard.breaker.state).toBe('closed')
    expect(doubts).toHaveLength(1)
  })

  test('of another version say nothing of what serves now', async () => {
    const guard = guardWith()
    const late = await underWay(guard)
    model.served = servedVersion('2.0.0')
    await late()
    for (let i = 0; i < 5; i++) guard.failed(crash(), servedVersion('1.0.0'))
    expect(guard.breaker.state).toBe('closed')
    for (let i = 0; i < 5; i++) guard.failed(crash(), servedVersion('2.0.0'))
    expect(guard.breaker.state).toBe('open')
  })

  test('of a version that serves no more let no other be tried', async () => {
    const guard = guardWith()
    model.fails = 'engine/crashed'
    await answersOf(guard, 5)
    const proveFirst = provenAnew
    model.served = servedVersion('2.0.0')
    await answersOf(guard, 5)
    proveFirst()
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(guard.breaker.state).toBe('open')
  })

  test('to load what serves by then leave it in', async () => {
    const guard = guardWith({ answer: CONSTANT })
    model.served = undefined
    guard.missing(new AfieldError('manifest/unavailable', 'Offline.'))
    now += MINUTE
    let giveUp = (_error: AfieldError): void => undefined
    loading = () => new Promise((_, reject) => (giveUp = reject))
    expect(await answersOf(guard, 1)).toEqual(['constant none'])
    model.served = servedVersion('1.0.0')
    expect(await answersOf(guard, 1)).toEqual(['model 1.0.0'])
    giveUp(new AfieldError('manifest/unavailable', 'Still offline.'))
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(await answersOf(guard, 1)).toEqual(['model 1.0.0'])
  })
})

describe('with a fallback', () => {
  const remote = (fails?: ErrorCode): RemoteAnswers => ({
    retire: () => undefined,
    ask: async (questions) => {
      if (fails) throw new AfieldError(fails, 'The server failed.')
      return { settled: questions.map(() => ({ outputs: { risk: 0.75 } })), modelVersion: '7' }
    },
  })

  test('a server comes before the constant, and the constant after a server that fails', async () => {
    model.fails = 'engine/run-failed'
    expect(await answersOf(guardWith({ answer: CONSTANT }, remote()), 1)).toEqual(['remote 7'])
    const late = guardWith({ answer: CONSTANT }, remote('remote/unavailable'))
    expect(await answersOf(late, 7)).toEqual(Array.from({ length: 7 }, () => 'constant none'))
    expect(model.asked).toBe(1 + 5)
  })

  test('a server whose place another takes rests, and is asked no more', async () => {
    model.fails = 'engine/run-failed'
    const rested: string[] = []
    const first: RemoteAnswers = { ...remote('remote/unavailable'), retire: () => rested.push('first') }
    const guard = guardWith({}, first)
    guard.fallBackTo(new Chain({}, remote(), () => undefined))
    expect(await answersOf(guard, 1)).toEqual(['remote 7'])
    expect(rested).toEqual(['first'])
  })

  test('of a server that fails and is the last, its error is told, and why it was asked', async () => {
    model.fails = 'engine/run-failed'
    await expect(guardWith({}, remote('remote/unauthorised')).predict({})).rejects.toMatchObject({
      code: 'remote/unauthorised',
      cause: { code: 'engine/run-failed' },
    })
  })

  test('a bad input is the caller’s, whoever else could answer', async () => {
    model.fails = 'input/invalid'
    expect(await answersOf(guardWith({ answer: CONSTANT }, remote()), 1)).toEqual(['input/invalid'])
  })

  test('each call has a constant of its own', async () => {
    model.fails = 'model/killed'
    const guard = guardWith({ answer: CONSTANT })
    const first = await guard.predict({})
    Object.assign(first.outputs, { risk: 1 })
    expect(await guard.predict({})).toMatchObject({
      outputs: CONSTANT,
      backend: undefined,
      modelVersion: 'none',
    })
  })

  test('of a constant for many, each has its own, down to its tensors, at no cost that a limit of time could not bear', async () => {
    model.fails = 'model/killed'
    const data = new Float32Array([1, 2])
    const answer = { risk: 0.5, best: [{ label: 'a', score: 1 }], at: { dtype: 'float32', dims: [2], data } }
    const { results } = await guardWith({ answer }).predictMany([1, 2])
    const [first, second] = results.map(({ outputs }) => outputs as typeof answer)
    expect([first, second]).toEqual([answer, answer])
    Object.assign(first?.best[0] ?? {}, { label: 'b' })
    first?.best.push({ label: 'c', score: 0 })
    first?.at.data.fill(0)
    expect(second).toEqual(answer)
    const cloned = vi.spyOn(globalThis, 'structuredClone')
    const many = await guardWith({ answer: CONSTANT }).predictMany(Array.from({ length: 10_000 }), {
      timeoutMs: 5,
    })
    expect(many.results[9999]).toEqual({ index: 9999, outputs: CONSTANT })
    expect(cloned.mock.calls.length).toBeLessThan(10)
    cloned.mockRestore()
  })

  test('a function is given the input and the reason; one that fails is the cause of the model’s error', async () => {
    model.fails = 'model/killed'
    const seen: unknown[] = []
    const answer = (input: unknown, reason: AfieldError): Outputs => {
      seen.push(input, reason.code)
      return { risk: 1 }
    }
    expect(await guardWith({ answer }).predict({ hours: 4 })).toMatchObject({
      outputs: { risk: 1 },
      servedBy: 'function',
      modelVersion: 'none',
    })
    expect(seen).toEqual([{ hours: 4 }, 'model/killed'])
    const broken = (): Outputs => {
      throw new RangeError('I do not know either')
    }
    await expect(guardWith({ answer: broken }).predict({})).rejects.toMatchObject({
      code: 'model/killed',
      message: 'On purpose. The fallback’s function failed too.'.replace('’', "'"),
      cause: { message: 'I do not know either' },
    })
    const empty = (() => undefined) as unknown as () => Outputs
    await expect(guardWith({ answer: empty }).predict({})).rejects.toMatchObject({
      code: 'model/killed',
      cause: { message: expect.stringContaining('returned no outputs') },
    })
  })

  test('many are answered together, and ranked as they would be', async () => {
    model.fails = 'model/killed'
    const guard = guardWith({ answer: (input) => ({ risk: (input as { id: number }).id }) })
    const { results, servedBy } = await guard.predictMany([{ id: 1 }, { id: 3 }, { id: 2 }], {
      rankBy: 'risk',
      top: 2,
    })
    expect(servedBy).toBe('function')
    expect(results).toEqual([
      { index: 1, outputs: { risk: 3 } },
      { index: 2, outputs: { risk: 2 } },
    ])
    await expect(guard.predictMany([{ id: 1 }], { top: 2 })).rejects.toMatchObject({ code: 'input/invalid' })
  })

  test.each([
    [['engine/hung'], 'constant'],
    [['model/killed'], 'constant'],
    [['engine/timeout'], 'constant'],
    [['input/invalid', 'engine/hung'], 'constant'],
    [['input/invalid'], 'model'],
  ] as const)('many that all failed with %s are answered by the %s', async (failsEach, by) => {
    model.failsEach = failsEach
    const { servedBy, results, failures } = await guardWith({ answer: CONSTANT }).predictMany([1, 2])
    expect(servedBy).toBe(by)
    expect(results.length + failures.length).toBe(2)
    expect(results.length).toBe(by === 'model' ? 0 : 2)
  })

  test.each(['ascending', 'descending'] as const)('what is no number comes last, %s too', async (order) => {
    model.fails = 'model/killed'
    const risks = [3, Number.NaN, 1, 2, Number.NaN, 5, 4]
    const guard = guardWith({ answer: (input) => ({ risk: input as number }) })
    const { results } = await guard.predictMany(risks, { rankBy: 'risk', order })
    const ranked = order === 'ascending' ? [2, 3, 0, 6, 5] : [5, 6, 0, 3, 2]
    expect(results.map(({ index }) => index)).toEqual([...ranked, 1, 4])
    const nothing = guardWith({ answer: () => ({ risk: null }) as unknown as Outputs })
    await expect(nothing.predictMany([1, 2], { rankBy: 'risk' })).rejects.toMatchObject({
      details: { field: 'rankBy' },
    })
  })

  test('what is no answer is refused when it is given', () => {
    expect(() => guardWith({ answer: 4 as unknown as Outputs })).toThrow('"fallback.answer" takes outputs')
    expect(() => guardWith({ answer: [0.5] as unknown as Outputs })).toThrow(
      '"fallback.answer" takes outputs',
    )
    const round: Record<string, unknown> = {}
    round['risk'] = round
    expect(() => guardWith({ answer: round as Outputs })).toThrow('"fallback.answer" takes outputs')
    const withFunction = { risk: () => 1 } as unknown as Outputs
    expect(() => guardWith({ answer: withFunction })).toThrow('"fallback.answer" takes outputs')
  })

  test('a model that could not be loaded is looked for once a minute, while the fallback answers', async () => {
    model.served = undefined
    const guard = guardWith({ answer: CONSTANT })
    guard.missing(new AfieldError('manifest/unavailable', 'Offline.'))
    expect(new Set(await answersOf(guard, 3))).toEqual(new Set(['constant none']))
    expect([loads, model.asked]).toEqual([0, 0])
    now += MINUTE
    await answersOf(guard, 3)
    expect([loads, model.asked]).toEqual([1, 0])
    model.served = servedVersion('1.0.0')
    expect(await answersOf(guard, 1)).toEqual(['model 1.0.0'])
    expect(() => guardWith().missing(new AfieldError('model/killed', 'Off.'))).toThrow('Off.')
    expect(() => guard.missing(new AfieldError('aborted', 'No.'))).toThrow('No.')
  })
})

describe('while it is open', () => {
  const FAILING: RemoteAnswers = {
    retire: () => undefined,
    ask: () => Promise.reject(new AfieldError('remote/unavailable', 'Down.')),
  }
  const half: FallbackOptions['answer'] = (input) => {
    if (input === 'bad') throw new RangeError('not this one')
    return CONSTANT
  }

  async function opened(fallback?: FallbackOptions, remote?: RemoteAnswers): Promise<Guard> {
    const guard = guardWith(fallback, remote)
    model.fails = 'engine/crashed'
    for (let i = 0; i < 5; i++) await guard.predict({}).catch(() => undefined)
    counted = []
    return guard
  }

  test('what a fallback did not answer either is counted, as what it did is', async () => {
    const server = await opened({}, FAILING)
    await expect(server.predict({})).rejects.toMatchObject({ code: 'remote/unavailable' })
    await expect(server.predictMany([1, 2])).rejects.toMatchObject({ code: 'remote/unavailable' })
    expect(counted).toEqual([
      ['remote/unavailable', 1],
      ['remote/unavailable', 2],
    ])
    const bare = await opened()
    await expect(bare.predict({})).rejects.toMatchObject({ code: 'engine/unavailable' })
    expect(counted).toEqual([['engine/unavailable', 1]])
  })

  test('a candidate that the function fails for costs no other its answer', async () => {
    const guard = await opened({ answer: half })
    const { results, failures } = await guard.predictMany(['good', 'bad', 'good'])
    expect(results.map(({ index }) => index)).toEqual([0, 2])
    expect(failures).toMatchObject([{ index: 1, error: { code: 'engine/unavailable' } }])
    expect(counted).toEqual([
      ['function', 2],
      ['engine/unavailable', 1],
    ])
    await expect(guard.predictMany(['bad', 'bad'])).rejects.toMatchObject({ code: 'engine/unavailable' })
  })

  test('answers that cannot be ranked are counted for nobody', async () => {
    const guard = await opened({ answer: CONSTANT })
    await expect(guard.predictMany([1, 2], { rankBy: 'price' })).rejects.toMatchObject({
      code: 'input/invalid',
      details: { field: 'rankBy' },
    })
    expect(counted).toEqual([])
  })

  test('a thousand calls at once reach the model once, as soon as one may try', async () => {
    const guard = await opened({ answer: CONSTANT })
    const thousand = (): Promise<string[]> =>
      Promise.all(Array.from({ length: 1000 }, async () => (await guard.predict({})).servedBy))
    model.asked = 0
    expect(new Set(await thousand())).toEqual(new Set(['constant']))
    expect(model.asked).toBe(0)
    now += MINUTE
    expect(new Set(await thousand())).toEqual(new Set(['constant']))
    expect(model.asked).toBe(1)
  })

  test('a call from before that is given up lets no second one try', async () => {
    const guard = guardWith({ answer: CONSTANT })
    model.fails = 'hang'
    const early = new AbortController()
    const before = guard.predict({}, { signal: early.signal })
    model.fails = 'engine/crashed'
    for (let i = 0; i < 5; i++) await guard.predict({})
    now += MINUTE
    model.fails = 'hang'
    const late = new AbortController()
    const tries = guard.predict({}, { signal: late.signal })
    early.abort()
    await expect(before).rejects.toMatchObject({ code: 'aborted' })
    model.asked = 0
    expect(await guard.predict({})).toMatchObject({ servedBy: 'constant' })
    expect(model.asked).toBe(0)
    late.abort()
    await expect(tries).rejects.toMatchObject({ code: 'aborted' })
    model.fails = undefined
    expect(await guard.predict({})).toMatchObject({ servedBy: 'model' })
  })
})

test('while its fallback is not there, the failures of a route are heard of elsewhere', async () => {
  const route = { name: 'risk', model: 'risk', onFailed: () => undefined } as unknown as Route
  const url = { remote: { url: '' } }
  await expect(openGuard({} as OpenPage, route, url)).rejects.toMatchObject({ code: 'input/invalid' })
  expect(route.onFailed).toBeDefined()
  await openGuard({} as OpenPage, route, { answer: CONSTANT })
  expect(route.onFailed).toBeUndefined()
})

test('who asks while another gives a fallback that is refused has what was there before, and so has who asks later', async () => {
  const page = {} as OpenPage
  const route = { name: 'risk', model: 'risk' } as unknown as Route
  const wrong = { answers: CONSTANT } as FallbackOptions
  const giveWrongly = () =>
    expect(guardOf(page, route, wrong)).rejects.toMatchObject({ code: 'input/invalid' })
  const given = giveWrongly()
  expect(await guardOf(page, route)).toBeUndefined()
  await given
  const guard = await guardOf(page, route, { answer: CONSTANT })
  expect(guard).toBeInstanceOf(Guard)
  const both = [giveWrongly(), giveWrongly()]
  expect(await guardOf(page, route)).toBe(guard)
  await Promise.all(both)
  expect(route.guard).toBe(guard)
})

test('a model and its fallback answer until Afield is closed, also where the keeper died', async () => {
  const calls = new Lifeline()
  const page = { calls, counting: { fellBack: () => undefined } } as unknown as OpenPage
  const guard = await openGuard(page, model as unknown as Route, { answer: CONSTANT })
  calls.cut(new AfieldError('internal/unexpected', "Afield's keeper worker failed."))
  expect(await guard.predict({})).toMatchObject({ servedBy: 'model' })
  model.fails = 'engine/crashed'
  expect(await guard.predict({})).toMatchObject({ servedBy: 'constant' })
  calls.cut(new AfieldError('closed', 'Afield was closed.'))
  await expect(guard.predict({})).rejects.toMatchObject({ code: 'closed' })
})

test('of a fallback that is refused, nothing is held until Afield is closed', async () => {
  vi.stubGlobal('location', { href: 'https://app.example/' })
  const calls = new Lifeline()
  const held = vi.spyOn(calls, 'hold')
  const wrong = { remote: { url: '/models' }, answer: 4 } as unknown as FallbackOptions
  const given = openGuard({ calls } as OpenPage, model as unknown as Route, wrong)
  await expect(given).rejects.toMatchObject({ details: { field: 'fallback.answer' } })
  expect(held).not.toHaveBeenCalled()
  vi.unstubAllGlobals()
})

test('a model that is loaded and does not serve all the same is looked for again', async () => {
  const guard = guardWith({ answer: CONSTANT })
  model.served = undefined
  guard.missing(new AfieldError('manifest/unavailable', 'Offline.'))
  loading = () => Promise.resolve()
  for (let i = 1; i <= 3; i++) {
    now += MINUTE
    expect(await guard.predict({})).toMatchObject({ servedBy: 'constant' })
    await new Promise((resolve) => setTimeout(resolve))
    expect(loads).toBe(i)
  }
})

describe('a deadline', () => {
  beforeEach(() => void vi.useFakeTimers())

  afterEach(() => void vi.useRealTimers())

  /** What becomes of a call with a limit of 50 ms, which it is not to end before. */
  async function atDeadline(guard: Guard): Promise<unknown> {
    let hasEnded = false
    const call = guard.predict({}, { timeoutMs: 50 }).finally(() => (hasEnded = true))
    call.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(49)
    expect(hasEnded).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    return call
  }

  test('ends a call in time, with an error or with what the app itself has', async () => {
    model.fails = 'hang'
    await expect(atDeadline(guardWith())).rejects.toMatchObject({
      code: 'engine/timeout',
      message: 'No answer came within 50 ms.',
    })
    expect(await atDeadline(guardWith({ answer: CONSTANT }))).toMatchObject({ servedBy: 'constant' })
    const late = guardWith({ answer: async () => ({ risk: 1 }) })
    expect(await atDeadline(late)).toMatchObject({ servedBy: 'function' })
  })

  test('leaves a server what the model did not use up, and a function that waits no more than that', async () => {
    model.fails = 'engine/run-failed'
    const hangs: RemoteAnswers = {
      retire: () => undefined,
      ask: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(abortError(signal.reason)))
        }),
    }
    await expect(atDeadline(guardWith({}, hangs))).rejects.toMatchObject({ code: 'engine/timeout' })
    const both = guardWith({ answer: CONSTANT }, hangs)
    expect(await atDeadline(both)).toMatchObject({ servedBy: 'constant' })
    const waits = guardWith({ answer: () => new Promise<Outputs>(() => undefined) })
    await expect(atDeadline(waits)).rejects.toMatchObject({ code: 'engine/timeout' })
  })

  test('holds while the code for it has not come, as does an abort', async () => {
    const guard = new Promise<undefined>(() => undefined)
    const route = Object.assign(model, { guard }) as unknown as Route
    const handle = modelHandle('risk', route, { isFollowing: true } as OpenPage, () =>
      Promise.reject(new Error()),
    )
    const late = handle.predict({}, { timeoutMs: 50, signal: new AbortController().signal })
    const giving = new AbortController()
    const given = handle.predictMany([{}], { signal: giving.signal })
    giving.abort()
    await expect(given).rejects.toMatchObject({ code: 'aborted' })
    await Promise.all([
      expect(late).rejects.toMatchObject({ code: 'engine/timeout' }),
      vi.advanceTimersByTimeAsync(50),
    ])
    // Who counts what became of calls hears of both.
    expect(model.asked).toBe(2)
  })

  test('of no sense is refused; an app that gives up hears of its own abort', async () => {
    for (const timeoutMs of [0, -1, Number.NaN, '5' as unknown as number]) {
      await expect(guardWith().predict({}, { timeoutMs })).rejects.toMatchObject({
        code: 'input/invalid',
        details: { field: 'timeoutMs' },
      })
    }
    expect((await guardWith().predict({}, { timeoutMs: Infinity })).servedBy).toBe('model')
    const guard = guardWith({ answer: CONSTANT })
    const asked = model.asked
    for (const signal of [new AbortController(), {}, 0, 'now'] as unknown as AbortSignal[]) {
      for (const timeoutMs of [undefined, 1000]) {
        await expect(guard.predict({}, { signal, timeoutMs })).rejects.toMatchObject({
          code: 'input/invalid',
          details: { field: 'signal' },
        })
      }
    }
    expect([model.asked - asked, guard.breaker.state]).toEqual([0, 'closed'])
    model.fails = 'hang'
    const controller = new AbortController()
    const answer = guardWith({ answer: CONSTANT }).predict(
      {},
      { timeoutMs: 10_000, signal: controller.signal },
    )
    controller.abort()
    await expect(answer).rejects.toMatchObject({ code: 'aborted' })
  })
})
