import { readFile } from 'node:fs/promises'
import type { Prediction, TensorValue } from 'afield'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startKindsWorld, type KindsWorld } from './support/kinds-world.js'

let world: KindsWorld
let browser: Browser
let page: Page

beforeAll(async () => {
  world = await startKindsWorld(['echo', 'counter', 'pets', 'columns'])
  browser = await launchChromium()
  page = await browser.open(world.url)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

function load(name: string): Promise<string | undefined> {
  return page.evaluate(
    async ({ model: wanted, ...options }) => {
      globalThis.afield ??= createAfield(options)
      globalThis.model = await afield.load(wanted)
      return model.version
    },
    { model: name, repository: world.repository, root: world.root },
  )
}

/** Code and details of the error that a prediction is refused with. */
function refusal(input: unknown, state?: unknown): Promise<object> {
  return page.evaluate(
    async (given) => {
      try {
        await model.predict(given.input as never, { state: given.state as never })
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        return { code: error.code, ...error.details }
      }
      throw new Error('nothing was refused')
    },
    { input, state },
  )
}

test('every tensor type that the runtime carries comes back from the browser as it went in, many at a time', async () => {
  await load('echo')
  const seen = await page.evaluate(async () => {
    let seed = 20261121
    const random = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return seed / 2 ** 32
    }
    const bits = (length: number): ArrayBuffer =>
      Uint8Array.from({ length }, () => Math.floor(random() * 256)).buffer
    const make = (rows: number) => ({
      float32: Float32Array.from({ length: 2 * rows }, () => random() * 1e6 - 5e5),
      float64: Float64Array.from({ length: 2 * rows }, () => random() * 1e200),
      float16: Float32Array.from({ length: 2 * rows }, () => Math.floor(random() * 2048) / 16),
      int8: new Int8Array(bits(2 * rows)),
      int16: new Int16Array(bits(4 * rows)),
      int32: new Int32Array(bits(8 * rows)),
      int64: new BigInt64Array(bits(16 * rows)),
      uint8: new Uint8Array(bits(2 * rows)),
      uint16: new Uint16Array(bits(4 * rows)),
      uint32: new Uint32Array(bits(8 * rows)),
      uint64: new BigUint64Array(bits(16 * rows)),
      bool: Uint8Array.from({ length: 2 * rows }, () => Math.floor(random() * 2)),
      string: Array.from({ length: 2 * rows }, () =>
        String.fromCodePoint(...Array.from({ length: 5 }, () => 0x1f300 + Math.floor(random() * 500))),
      ),
    })
    const plain = (data: ArrayLike<unknown>): string => Array.from(data, String).join()
    const inputs = Array.from({ length: 300 }, () => make(1 + Math.floor(random() * 4)))
    const answers = await Promise.all(inputs.map((input) => model.predict(input)))
    const wrong: string[] = []
    const types: Record<string, string> = {}
    for (const [i, { outputs }] of answers.entries()) {
      for (const [dtype, data] of Object.entries(inputs[i] ?? {})) {
        const back = outputs[`${dtype}_out`] as {
          dtype: string
          dims: readonly number[]
          data: ArrayLike<unknown>
        }
        types[back.dtype] = back.data.constructor.name
        if (plain(back.data) !== plain(data) || back.dims.join() !== `${data.length / 2},2`)
          wrong.push(`${i} ${dtype}`)
      }
    }
    return { answers: answers.length, wrong, types }
  })
  expect(seen).toEqual({
    answers: 300,
    wrong: [],
    types: {
      float32: 'Float32Array',
      float64: 'Float64Array',
      float16: 'Float32Array',
      int8: 'Int8Array',
      int16: 'Int16Array',
      int32: 'Int32Array',
      int64: 'BigInt64Array',
      uint8: 'Uint8Array',
      uint16: 'Uint16Array',
      uint32: 'Uint32Array',
      uint64: 'BigUint64Array',
      bool: 'Uint8Array',
      string: 'Array',
    },
  })
})

describe('a stateful model', () => {
  test('goes on from the state of the answer before, and two streams do not touch each other', async () => {
    await load('counter')
    const seen = await page.evaluate(async () => {
      const stream = async (value: number): Promise<string[]> => {
        let state: Awaited<ReturnType<typeof model.predict>>['state']
        const heard: string[] = []
        for (let i = 0; i < 5; i++) {
          const answer = await model.predict(Float32Array.of(value, 0, 0), { state })
          state = answer.state
          heard.push(`${Number(answer.outputs['frames'])}: ${Number(answer.outputs['level'])}`)
        }
        return heard
      }
      return Promise.all([stream(1), stream(16)])
    })
    expect(seen).toEqual([
      ['1: 1', '2: 1.5', '3: 1.75', '4: 1.875', '5: 1.9375'],
      ['1: 16', '2: 24', '3: 28', '4: 30', '5: 31'],
    ])
  })

  test('begins anew without a state', async () => {
    await load('counter')
    const frames = await page.evaluate(async () => {
      const first = await model.predict({ frame: [[1, 1, 1]] })
      const second = await model.predict({ frame: [[1, 1, 1]] })
      return [first.outputs['frames'], second.outputs['frames']]
    })
    expect(frames).toEqual([1, 1])
  })

  test('takes no state of another model, of another form, or with NaN', async () => {
    await load('counter')
    const frame = { frame: [1, 2, 3] }
    const tensors = (memory: unknown) => ({ of: 'counter 0', tensors: { memory, count: { data: [1] } } })
    const cases: readonly (readonly [unknown, string])[] = [
      [{ of: 'echo 0', tensors: {} }, 'malformed'],
      ['state', 'malformed'],
      [{ of: 'counter 0', tensors: {} }, 'missing'],
      [tensors({ dims: [1, 2], data: [1, 2] }), 'shape'],
      [tensors({ dims: [1, 3], data: ['1', '2', '3'] }), 'mistyped'],
    ]
    for (const [state, problem] of cases) {
      expect(await refusal(frame, state)).toEqual({ code: 'input/invalid', field: 'state', problem })
    }
    const poisoned = await page.evaluate(async () => {
      const { state } = await model.predict(Float32Array.of(1, 1, 1))
      const memory = state?.tensors['memory']?.data as Float32Array
      memory[1] = Number.NaN
      try {
        await model.predict(Float32Array.of(1, 1, 1), { state })
      } catch (error) {
        return error instanceof AfieldError ? error.details : String(error)
      }
      return 'answered'
    })
    expect(poisoned).toEqual({ field: 'state', problem: 'out-of-range' })
  })

  test('of a later format takes no older state', async () => {
    await load('counter')
    const state = await page.evaluate(async () => {
      const answer = await model.predict(Float32Array.of(1, 1, 1))
      Object.assign(globalThis, { kept: answer.state })
      return answer.modelVersion
    })
    expect(state).toBe('1.0.0')
    await world.publish('counter', '2.0.0', { stateEpoch: 1 })
    const after = await page.evaluate(async () => {
      await afield.check()
      const { kept } = globalThis as unknown as { kept: NonNullable<Prediction['state']> }
      const fresh = await model.predict(Float32Array.of(1, 1, 1))
      try {
        await model.predict(Float32Array.of(1, 1, 1), { state: kept })
      } catch (error) {
        return { version: fresh.modelVersion, details: error instanceof AfieldError ? error.details : {} }
      }
      return 'answered'
    })
    expect(after).toEqual({ version: '2.0.0', details: { field: 'state', problem: 'malformed' } })
  })
})

test('labels, the best, decisions and bands are what numpy says', async () => {
  await load('pets')
  const path = new URL('../models/kinds/pets.golden.json', import.meta.url)
  const vectors = JSON.parse(await readFile(path, 'utf8')) as readonly {
    readonly input: object
    readonly output: {
      readonly pet: { readonly label: string; readonly score: number }
      readonly level: string
    }
  }[]
  const answers = await page.evaluate(
    async (inputs) => {
      const predictions = await Promise.all(inputs.map((input) => model.predict(input as never)))
      return predictions.map(({ outputs: { logits, ...rest } }) => ({
        ...rest,
        logits: Array.from((logits as TensorValue).data as Float32Array),
      }))
    },
    vectors.map(({ input }) => input),
  )
  expect(answers).toHaveLength(6)
  for (const [i, { output }] of vectors.entries()) {
    const { label, score } = output.pet
    expect(answers[i]).toMatchObject({
      pet: { label, score: expect.closeTo(score, 5) },
      said: { label },
      best_two: [{ label }, {}],
      level: output.level,
    })
  }
})

test('a record in tensors of several types gives its id and its texts back', async () => {
  await load('columns')
  const { outputs } = await page.evaluate(async () => {
    const answer = await model.predict({
      order: 'A-17',
      age: 41,
      member: true,
      plan: 'gold',
      comment: 'é 🐌',
    })
    return { outputs: answer.outputs }
  })
  expect(outputs).toEqual({
    order: 'A-17',
    score: 51,
    comment_out: { dtype: 'string', dims: [1, 1], data: ['é 🐌'] },
    plan_out: { dtype: 'string', dims: [1, 1], data: ['gold'] },
  })
})

describe('an input that does not fit is refused by name, and the next one is answered', () => {
  const pets: readonly (readonly [string, unknown, object])[] = [
    ['no tensor', {}, { field: 'x', problem: 'missing' }],
    ['an unknown tensor', { x: [1, 2, 3, 4], y: [1] }, { problem: 'unknown' }],
    ['too few elements', { x: [1, 2, 3] }, { field: 'x', problem: 'shape' }],
    ['other dims', { x: { dims: [4, 1], data: [1, 2, 3, 4] } }, { field: 'x', problem: 'shape' }],
    ['dims that are none', { x: { dims: [-1, 4], data: [1, 2, 3, 4] } }, { field: 'x', problem: 'shape' }],
    [
      'ragged arrays',
      [
        [1, 2, 3, 4],
        [1, 2],
      ],
      { field: 'x', problem: 'shape' },
    ],
    ['two rows, where the answer is of one', [1, 2, 3, 4, 5, 6, 7, 8], { field: 'x', problem: 'shape' }],
    ['no row', { x: { dims: [0, 4], data: [] } }, { field: 'x', problem: 'empty' }],
    ['texts', ['1', '2', '3', '4'], { field: 'x', problem: 'mistyped' }],
    ['a number that is too large', [1, 2, 3, 1e39], { field: 'x', problem: 'out-of-range' }],
    ['a text', 'hello', { field: 'x', problem: 'shape' }],
  ]
  test.each(pets)('%s', async (_what, input, details) => {
    await load('pets')
    expect(await refusal(input)).toEqual({ code: 'input/invalid', ...details })
    const { outputs } = await page.evaluate(() => model.predict([1, 2, 3, 4]))
    expect(outputs).toHaveProperty('pet')
  })

  test('an array of another type', async () => {
    await load('pets')
    const details = await page.evaluate(async () => {
      try {
        await model.predict(Float64Array.of(1, 2, 3, 4))
      } catch (error) {
        return error instanceof AfieldError ? error.details : String(error)
      }
      return 'answered'
    })
    expect(details).toEqual({ field: 'x', problem: 'dtype' })
  })

  test.each([
    ['a text that is none', { comment: 'half a pair \ud83d' }, 'comment', 'malformed'],
    ['a text with an end inside', { comment: 'a\0b' }, 'comment', 'malformed'],
    ['a text that is too long', { comment: 'x'.repeat(41) }, 'comment', 'too-large'],
    ['a value that is not in the list', { plan: 'silver' }, 'plan', 'out-of-range'],
    ['an id that is none', { order: [1] }, 'order', 'mistyped'],
  ])('%s in a record', async (_what, change, field, problem) => {
    await load('columns')
    const record = { order: 1, age: 1, plan: 'gold', ...change }
    expect(await refusal(record)).toEqual({ code: 'input/invalid', field, problem })
  })
})
