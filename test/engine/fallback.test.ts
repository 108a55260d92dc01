import type { FallbackOptions, Health, Outputs, Prediction, RemoteOptions } from 'afield'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { inferRequest } from '../../packages/cli/dist/api/infer-request.js'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { RECORD, RISK, check } from '../e2e/support/device.js'
import { startWorld, type World } from '../e2e/support/world.js'
import {
  startOpenInference,
  type InferenceFault,
  type OpenInferenceServer,
} from '../servers/open-inference.js'
import { learnerRisk } from '../support/learner-risk.js'

const CONSTANT = { risk_score: 0.5, at_risk: false }
const TOKEN = 'fresh'

let world: World
let server: OpenInferenceServer
let browser: Browser
let page: Page
/** Keeps apart what the tests store. */
let namespace = 0
let isKilled = false

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
  server = await startOpenInference({ models: { 'learner-risk': learnerRisk('1.0.0') }, token: TOKEN })
}, 60_000)

beforeEach(async () => {
  namespace += 1
  page = await browser.open(world.url)
})

afterEach(async () => {
  await page.close()
  server.clearFaults()
  server.clearRequests()
  world.server.clearFaults()
})

afterAll(async () => {
  await browser?.close()
  await server?.close()
  await world?.close()
})

declare global {
  /** How often the page was asked for headers. */
  var headersAsked: number
  var reasons: string[]
}

interface Wanted {
  readonly remote?: Pick<RemoteOptions, 'url' | 'model' | 'timeoutMs'>
  /** One after the other, the last for all that follow. */
  readonly tokens?: readonly string[]
  /** `function` gives what training says of nobody; `broken` throws. */
  readonly answer?: Outputs | 'function' | 'broken'
}

const remote = (): NonNullable<Wanted['remote']> => ({ url: server.url })

/** Loads the model with a fallback; says which version serves, or why it was refused. */
async function load(wanted: Wanted | undefined, at: Page = page): Promise<string> {
  const options = {
    repository: `${world.server.url}/repo/`,
    root: world.root,
    namespace: `test-${namespace}`,
  }
  return at.evaluate(
    async ({ options: given, wanted: how }) => {
      globalThis.afield ??= createAfield(given)
      globalThis.headersAsked = 0
      globalThis.reasons = []
      const { remote: server, tokens = ['fresh'], answer } = how ?? {}
      const headers = () => {
        const token = tokens[Math.min(globalThis.headersAsked++, tokens.length - 1)]
        if (token === 'throws') throw new Error('nobody is logged in')
        return Promise.resolve({ authorization: `Bearer ${token}` })
      }
      const ask: FallbackOptions['answer'] = (_input, reason) => {
        globalThis.reasons.push(reason.code)
        if (answer === 'broken') throw new RangeError('nor do I')
        return { risk_score: 0.25 }
      }
      const fallback: FallbackOptions = {
        ...(server ? { remote: { ...server, headers } } : {}),
        ...(answer === undefined ? {} : { answer: typeof answer === 'string' ? ask : answer }),
      }
      try {
        globalThis.model = await afield.load('learner-risk', how ? { fallback } : {})
        return String(model.version)
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        return `${error.code} ${error.details['field'] ?? ''}`.trim()
      }
    },
    { options, wanted },
  )
}

type Refused = InstanceType<typeof AfieldError>

type Said = Pick<Prediction, 'outputs' | 'servedBy' | 'modelVersion' | 'latencyMs'> | Failed

interface Failed {
  readonly code: string
  readonly message: string
  readonly cause: string | undefined
  readonly details: object
}

/** The answer, or the error. */
function ask(options: { readonly timeoutMs?: number } = {}, record: object = RECORD): Promise<Said> {
  return page.evaluate(
    async ({ given, input }) => {
      try {
        return await model.predict(input as never, given)
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        const { code, message, cause, details } = error
        return { code, message, cause: cause instanceof AfieldError ? cause.code : String(cause), details }
      }
    },
    { given: options, input: record },
  )
}

function health(): Promise<Omit<Health, 'error'> & { readonly code: string | undefined }> {
  return page.evaluate(async () => {
    const { error, ...rest } = await model.health()
    return { ...rest, code: error?.code }
  })
}

/** Lets the page's clock go forward, by which a server is left alone. */
function pass(ms: number): Promise<void> {
  return page.evaluate((more) => {
    const now = performance.now.bind(performance)
    performance.now = () => now() + more
  }, ms)
}

async function kill(): Promise<void> {
  await world.rollout('kill')
  isKilled = true
  expect(await check(page)).toBe('checked')
}

async function revive(): Promise<void> {
  if (isKilled) await world.rollout('revive')
  isKilled = false
}

const risk = { risk_score: expect.closeTo(RISK['1.0.0'] ?? 0, 2) as number }

describe('a model that is switched off', () => {
  afterEach(revive)

  test('is answered for by the server, then by the constant, and answers again once it is back', async () => {
    expect(await load({ remote: remote(), answer: CONSTANT })).toBe('1.0.0')
    expect(await ask()).toMatchObject({ servedBy: 'model', modelVersion: '1.0.0', outputs: risk })
    await kill()
    expect(await ask()).toMatchObject({ servedBy: 'remote', modelVersion: '7', outputs: risk })
    server.fault({ kind: 'refuse' })
    expect(await ask()).toMatchObject({ servedBy: 'constant', modelVersion: 'none', outputs: CONSTANT })
    expect(await health()).toMatchObject({
      modelLoaded: false,
      canPredict: false,
      answers: true,
      code: 'model/killed',
    })
    await revive()
    expect(await check(page)).toBe('checked')
    expect(await ask()).toMatchObject({ servedBy: 'model', outputs: risk })
    expect(await health()).toMatchObject({ canPredict: true, latencyOk: true, breaker: 'closed' })
  })

  test('does not keep load() from being done where something answers, and does where nothing does', async () => {
    await load({})
    await kill()
    await page.reload()
    expect(await load(undefined)).toBe('model/killed')
    expect(await load({})).toBe('model/killed')
    expect(await load({ answer: CONSTANT })).toBe('undefined')
    expect(await ask()).toMatchObject({ servedBy: 'constant' })
    await revive()
    expect(await check(page)).toBe('checked')
    expect(await ask()).toMatchObject({ servedBy: 'model', outputs: risk })
  })

  test('says so to whoever measures it', async () => {
    await load({ answer: CONSTANT })
    await kill()
    const code = await page.evaluate(() =>
      model.benchmark({ samples: 1 }).then(
        () => 'measured',
        (error: Refused) => error.code,
      ),
    )
    expect(code).toBe('model/killed')
  })

  test('is asked of the server in the very tensors that its documentation gives', async () => {
    await load({ remote: remote() })
    await kill()
    const records = [RECORD, { hours_studied: 12.5, quiz_score: 61 }]
    const many = await page.evaluate(
      async (given) => (await model.predictMany(given as never[])).results.length,
      records,
    )
    expect(many).toBe(2)
    const body = server.requests.at(-1)?.body as { readonly inputs?: unknown } | undefined
    const contract = await contractOf(world)
    const documented = records.map((record) => inferRequest(contract, record)?.inputs[0])
    expect(body?.inputs).toEqual([
      { ...documented[0], shape: [2, 2], data: documented.flatMap((one) => one?.data ?? []) },
    ])
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(server.requests.at(-1)?.headers['referer']).toBeUndefined()
  })

  test('a bad input is refused before it is sent; the others of its call are answered', async () => {
    await load({ remote: remote(), answer: CONSTANT })
    await kill()
    server.clearRequests()
    expect(await ask({}, { hours_studied: 'many' })).toMatchObject({
      code: 'input/invalid',
      details: { field: 'hours_studied' },
    })
    expect(server.requests).toEqual([])
    const settled = await page.evaluate(async (record) => {
      const many = await model.predictMany([record, { quiz_score: 'x' }, record] as never[])
      return [many.results.map(({ index }) => index), many.failures.map(({ error }) => error.code)]
    }, RECORD as object)
    expect(settled).toEqual([[0, 2], ['input/invalid']])
  })

  test('a function answers with the reason at hand; one that fails is told with why it was asked', async () => {
    await load({ answer: 'function' })
    await kill()
    expect(await ask()).toMatchObject({ servedBy: 'function', outputs: { risk_score: 0.25 } })
    expect(await page.evaluate(() => globalThis.reasons)).toEqual(['model/killed'])
    await load({ answer: 'broken' })
    expect(await ask()).toMatchObject({ code: 'model/killed', cause: 'RangeError: nor do I' })
  })

  test('what cannot be sent at all leaves the next call to ask the server', async () => {
    await load({ remote: remote() })
    await kill()
    server.fault({ kind: 'busy', retryAfterSeconds: 30, times: 1 })
    expect(await ask()).toMatchObject({ code: 'remote/unavailable' })
    await pass(30_000)
    const refused = await page.evaluate(
      (record) =>
        model.predict({ ...record, hours_studied: () => 4 }).catch((error: { code: string }) => error.code),
      RECORD as object,
    )
    expect(refused).toBe('input/invalid')
    expect(await ask()).toMatchObject({ servedBy: 'remote' })
  })

  test('a thousand at once travel to the server together', async () => {
    await load({ remote: remote() })
    await kill()
    server.clearRequests()
    const by = await page.evaluate(async (record) => {
      const all = await Promise.all(Array.from({ length: 1000 }, () => model.predict(record as never)))
      return [...new Set(all.map(({ servedBy }) => servedBy))]
    }, RECORD as object)
    expect(by).toEqual(['remote'])
    expect(server.requests.filter(({ method }) => method === 'POST').length).toBeLessThan(20)
  })
})

describe('a server that misbehaves', () => {
  beforeEach(async () => {
    await load({ remote: remote() })
    await kill()
  })

  afterEach(revive)

  const ANSWERS: readonly (readonly [InferenceFault, string, string])[] = [
    [{ kind: 'html' }, 'remote/invalid', 'is no JSON but text/html'],
    [{ kind: 'redirect-to-login' }, 'remote/invalid', 'is a redirect'],
    [{ kind: 'wrong-shape' }, 'remote/invalid', 'has the shape'],
    [{ kind: 'wrong-datatype' }, 'remote/invalid', 'does not fit the model'],
    [{ kind: 'missing-output' }, 'remote/invalid', 'lacks the output'],
    [{ kind: 'truncate' }, 'remote/invalid', 'is no JSON'],
    [{ kind: 'replace', body: '{"outputs": 4}' }, 'remote/invalid', 'at "outputs"'],
    [{ kind: 'endless' }, 'remote/', ''],
    [{ kind: 'cut' }, 'remote/unavailable', 'could not be reached'],
    [{ kind: 'refuse' }, 'remote/unavailable', 'could not be reached'],
    [{ kind: 'status', status: 500 }, 'remote/unavailable', '(500)'],
    [{ kind: 'status', status: 404 }, 'remote/invalid', '404: no such model or path'],
  ]
  const LATE: typeof ANSWERS = [
    [{ kind: 'hang' }, 'remote/timeout', 'did not answer in 2000 ms'],
    [{ kind: 'drip', bytesPerSecond: 5 }, 'remote/timeout', 'did not answer in 2000 ms'],
  ]

  test.each([
    ['is told what is wrong with it', ANSWERS, undefined],
    ['is given up in time', LATE, 2000],
  ])('%s, and asked again by the next call', async (_, cases, timeoutMs) => {
    if (timeoutMs !== undefined) await load({ remote: { ...remote(), timeoutMs } })
    for (const [fault, code, words] of cases) {
      server.fault(fault)
      const said = await ask()
      expect(said).toMatchObject({
        code: expect.stringContaining(code) as string,
        message: expect.stringContaining(words) as string,
        cause: 'model/killed',
      })
      server.clearFaults()
      expect(await ask()).toMatchObject({ servedBy: 'remote', outputs: risk })
    }
  })

  test('is left alone after five failures, and for as long as it asks', async () => {
    server.fault({ kind: 'busy', retryAfterSeconds: 30 })
    expect(await ask()).toMatchObject({ code: 'remote/unavailable', details: { retryAfterMs: 30_000 } })
    server.clearFaults()
    server.clearRequests()
    expect(await ask()).toMatchObject({ code: 'remote/unavailable' })
    expect(server.requests).toEqual([])
    await pass(30_000)
    expect(await ask()).toMatchObject({ servedBy: 'remote' })
    server.fault({ kind: 'status', status: 503 })
    for (let i = 0; i < 5; i++) await ask()
    server.clearFaults()
    server.clearRequests()
    expect(await ask()).toMatchObject({
      code: 'remote/unavailable',
      message: expect.stringContaining('60 s') as string,
    })
    expect(server.requests).toEqual([])
  })
})

describe('a device on which parts of the app do not arrive', () => {
  let fresh: Browser

  // The others' holds them in its cache.
  beforeEach(async () => {
    await page.close()
    fresh = await launchChromium()
    page = await fresh.open(world.url)
  })

  afterEach(async () => {
    await fresh.close()
    page = await browser.open(world.url)
    await revive()
  })

  test('is answered by the model, and by the fallback as soon as its code can be had', async () => {
    world.server.fault('/app/**/open-guard*', { kind: 'refuse' })
    const warned: string[] = []
    page.onConsole(({ text }) => warned.push(text))
    expect(await load({ answer: CONSTANT })).toBe('1.0.0')
    expect(await ask()).toMatchObject({ servedBy: 'model', outputs: risk })
    expect(await ask({ timeoutMs: 5000 })).toMatchObject({ servedBy: 'model', outputs: risk })
    expect(await health()).toMatchObject({ canPredict: true, answers: true, breaker: 'closed' })
    expect(warned.filter((text) => text.includes('could not be loaded'))).toHaveLength(1)
    world.server.clearFaults()
    await kill()
    await ask()
    await expect.poll(() => ask()).toMatchObject({ servedBy: 'constant' })
  })

  test('is told what to do where a call itself is among them', async () => {
    await load(undefined)
    world.server.fault('/app/**/model-calls*', { kind: 'refuse' })
    const code = await page.evaluate(() => model.health().catch((error: { code: string }) => error.code))
    expect(code).toBe('engine/unavailable')
    world.server.clearFaults()
    expect(await health()).toMatchObject({ canPredict: true })
  })
})

test('options that cannot be taken are refused, by each call', async () => {
  await load(undefined)
  const said = await page.evaluate(async (record) => {
    const pinned = await model.pin()
    const signal = new AbortController() as never
    const calls: Record<string, () => Promise<unknown>> = {
      predict: () => model.predict(record as never, null as never),
      predictMany: () => model.predictMany([record as never], null as never),
      pinned: () => pinned.predict(record as never, null as never),
      health: () => model.health(null as never),
      benchmark: () => model.benchmark(null as never),
      load: () => afield.load('learner-risk', null as never),
      'predict signal': () => model.predict(record as never, { signal }),
      'health signal': () => model.health({ signal }),
      'benchmark signal': () => model.benchmark({ signal }),
      'load signal': () => afield.load('learner-risk', { signal }),
    }
    const fields: [string, unknown][] = []
    for (const [name, call] of Object.entries(calls)) {
      const error = await call().catch((cause: Refused) => cause)
      fields.push([
        name,
        error instanceof AfieldError ? `${error.code} ${error.details['field'] ?? ''}` : error,
      ])
    }
    pinned.release()
    return Object.fromEntries(fields)
  }, RECORD as object)
  const wanted = (name: string) => `input/invalid ${name.endsWith('signal') ? 'signal' : 'options'}`
  expect(said).toEqual(Object.fromEntries(Object.keys(said).map((name) => [name, wanted(name)])))
  expect(Object.keys(said)).toHaveLength(10)
  expect(await ask()).toMatchObject({ servedBy: 'model', outputs: risk })
})

test('a fallback that is refused leaves the one before it', async () => {
  await load({ answer: CONSTANT })
  expect(await load({ answer: 4 as unknown as Outputs })).toBe('input/invalid fallback.answer')
  await kill()
  expect(await ask()).toMatchObject({ servedBy: 'constant' })
  await revive()
})

test('a stream that is pinned refuses a limit of time that makes no sense', async () => {
  await load({ answer: CONSTANT })
  const said = await page.evaluate(async (record) => {
    const pinned = await model.pin()
    const settle = async (timeoutMs: number): Promise<string> => {
      try {
        const { servedBy } = await pinned.predict(record as never, { timeoutMs })
        return servedBy
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    const all = [await settle(5000), await settle(0), await settle(Infinity)]
    pinned.release()
    return all
  }, RECORD as object)
  expect(said).toEqual(['model', 'input/invalid', 'model'])
})

describe('credentials', () => {
  afterEach(revive)

  test('are asked for anew once where the server refuses them', async () => {
    await load({ remote: remote(), tokens: ['stale', TOKEN] })
    await kill()
    expect(await ask()).toMatchObject({ servedBy: 'remote' })
    expect(await page.evaluate(() => globalThis.headersAsked)).toBe(2)
    await load({ remote: remote(), tokens: ['stale'] })
    expect(await ask()).toMatchObject({ code: 'remote/unauthorised', details: { status: 401 } })
    expect(await page.evaluate(() => globalThis.headersAsked)).toBe(2)
  })

  test('that are none are refused, and said to be', async () => {
    await load(undefined)
    await kill()
    const said = await page.evaluate(
      async ({ url, record }) => {
        const errors: unknown[] = []
        for (const given of [null, 'Bearer t', ['Bearer t'], { authorization: 5 }]) {
          const headers = () => given as never
          globalThis.model = await afield.load('learner-risk', { fallback: { remote: { url, headers } } })
          const error = await model.predict(record as never).catch((cause: Refused) => cause)
          errors.push('code' in error ? [error.code, error.message, String(error.cause)] : error)
        }
        return errors
      },
      { url: server.url, record: RECORD },
    )
    expect(said).toEqual(
      Array.from({ length: 4 }, () => [
        'remote/unauthorised',
        expect.stringContaining('it must return an object'),
        expect.any(String),
      ]),
    )
  })

  test('that cannot be had are an error like any other', async () => {
    await load({ remote: remote(), tokens: ['throws', TOKEN] })
    await kill()
    expect(await ask()).toMatchObject({ code: 'remote/unauthorised' })
    expect(await ask()).toMatchObject({ servedBy: 'remote' })
  })
})

describe('a first visit without a network', () => {
  beforeEach(() => world.server.fault('/repo/**', { kind: 'refuse' }))

  test('is answered for by the constant until the model can be had', async () => {
    expect(await load(undefined)).toBe('manifest/unavailable')
    expect(await load({ remote: remote(), answer: CONSTANT })).toBe('undefined')
    expect(await ask()).toMatchObject({ servedBy: 'constant' })
    expect(await health()).toMatchObject({ modelLoaded: false, canPredict: false, answers: true })
    world.server.clearFaults()
    expect(await check(page)).toBe('checked')
    expect(await ask()).toMatchObject({ servedBy: 'model', outputs: risk })
  })

  test('with a server alone, hears why the contract cannot be had', async () => {
    expect(await load({ remote: remote() })).toBe('undefined')
    expect(await ask()).toMatchObject({ code: 'manifest/unavailable', cause: 'manifest/unavailable' })
  })
})

describe('time', () => {
  afterEach(revive)

  test('is one limit for all that may answer', async () => {
    await load({ remote: { ...remote(), timeoutMs: 10_000 } })
    await kill()
    server.fault({ kind: 'hang' })
    const began = performance.now()
    expect(await ask({ timeoutMs: 300 })).toMatchObject({ code: 'engine/timeout' })
    await load({ remote: { ...remote(), timeoutMs: 10_000 }, answer: CONSTANT })
    const said = await ask({ timeoutMs: 300 })
    expect(said).toMatchObject({ servedBy: 'constant' })
    expect('latencyMs' in said ? said.latencyMs : 0).toBeGreaterThan(290)
    expect(performance.now() - began).toBeLessThan(5000)
    server.clearFaults()
    expect(await ask({ timeoutMs: 5000 })).toMatchObject({ servedBy: 'remote' })
  })
})

test('an option of no sense is refused, and named', async () => {
  const refused = async (wanted: Wanted): Promise<string> => load(wanted)
  expect(await refused({ remote: { url: 'http://models.example.com' } })).toBe(
    'input/invalid fallback.remote.url',
  )
  expect(await refused({ remote: { url: 'https://me:secret@models.example.com' } })).toBe(
    'input/invalid fallback.remote.url',
  )
  expect(await refused({ remote: { url: 'https://models.example.com', timeoutMs: 0 } })).toBe(
    'input/invalid fallback.remote.timeoutMs',
  )
  for (const url of [undefined, '', 5]) {
    expect(await refused({ remote: { url: url as string } })).toBe('input/invalid fallback.remote.url')
  }
  expect(await refused({ remote: { ...remote(), model: '' } })).toBe('input/invalid fallback.remote.model')
  expect(await refused({ answer: 4 as unknown as Outputs })).toBe('input/invalid fallback.answer')
  expect(await load({})).toBe('1.0.0')
  const inPlaceOfOptions = await page.evaluate(async () => {
    const given = [
      () => ({ risk_score: 1 }),
      { risk_score: 1 },
      [],
      5,
      { remote: 'https://models.example.com' },
    ]
    return Promise.all(
      given.map((fallback) =>
        afield.load('learner-risk', { fallback: fallback as FallbackOptions }).then(
          () => 'taken',
          (error: Refused) => `${error.code} ${error.details['field']}`,
        ),
      ),
    )
  })
  expect(inPlaceOfOptions).toEqual([
    ...Array.from({ length: 4 }, () => 'input/invalid fallback'),
    'input/invalid fallback.remote',
  ])
})

test('a controller in the place of its signal is refused; the model answers the next call, and close() ends', async () => {
  await load(undefined)
  const said = await page.evaluate(async (record) => {
    const given = { signal: new AbortController() as unknown as AbortSignal }
    const pinned = await model.pin()
    const calls = [
      ...Array.from({ length: 6 }, () => () => model.predict(record as never, given)),
      () => model.predictMany([record as never], given),
      () => model.predict(record as never, { ...given, timeoutMs: 5000 }),
      () => pinned.predict(record as never, given),
      () => pinned.predictMany([record as never], given),
      () => model.benchmark({ samples: 1, ...given }),
      () => model.health(given),
    ]
    const refused = new Set<string>()
    for (const call of calls) {
      const error = await call().then(
        () => ({ code: 'answered', details: {} as Refused['details'] }),
        (cause: Refused) => cause,
      )
      refused.add(`${error.code} ${error.details?.['field']}`)
    }
    const { servedBy } = await model.predict(record as never)
    pinned.release()
    const { breaker } = await model.health()
    await afield.close()
    return [...refused, servedBy, breaker]
  }, RECORD as object)
  expect(said).toEqual(['input/invalid signal', 'model', 'closed'])
})

test('a model that works is healthy, and its test counts nowhere', async () => {
  await load(undefined)
  expect(await health()).toEqual({
    model: 'learner-risk',
    version: '1.0.0',
    backend: 'wasm',
    modelLoaded: true,
    canPredict: true,
    latencyOk: true,
    successOk: true,
    latencyMs: expect.any(Number) as number,
    answers: true,
    breaker: 'closed',
    code: undefined,
  })
})

async function contractOf({ server: { url } }: World): Promise<Parameters<typeof inferRequest>[0]> {
  const { requests } = world.server
  const path = requests.map((request) => request.path).find((one) => one.includes('/descriptors/')) ?? ''
  const descriptor = (await (await fetch(url + path)).json()) as { contract: { input: never } }
  return descriptor.contract.input
}
