import { AfieldError, type Answer, type Outputs, type Profile } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Tally } from '../../packages/sdk/dist/engine/tally.js'
import type { Asked } from '../../packages/sdk/dist/engine/messages.js'
import type { DriftReport, FieldDrift } from '../../packages/sdk/dist/router/monitor/reports.js'
import { driftOf } from '../../packages/sdk/dist/router/monitor/drift.js'
import { ModelCounts } from '../../packages/sdk/dist/router/monitor/model-counts.js'

const DATA = 'a'.repeat(64)

/** Ten even bins of 0 to 100, as of 6,000 rows; none was missing. */
const EVEN: Profile = {
  kind: 'numeric',
  count: 6000,
  missing: 0,
  edges: [10, 20, 30, 40, 50, 60, 70, 80, 90],
  counts: Array.from({ length: 10 }, () => 600),
}
const PLAN: Profile = {
  kind: 'categories',
  count: 5000,
  missing: 1000,
  categories: [
    { value: 'free', count: 3000 },
    { value: 'paid', count: 1900 },
  ],
  other: 100,
}
const YES_NO: Profile = {
  kind: 'categories',
  count: 1000,
  missing: 0,
  categories: [
    { value: 'false', count: 800 },
    { value: 'true', count: 200 },
  ],
  other: 0,
}

const REFERENCE = {
  data: DATA,
  rows: 6000,
  fields: { score: EVEN, plan: PLAN },
  outputs: { rows: 1000, profiles: { risk: EVEN, refused: YES_NO } },
}

interface Counting {
  readonly tally: Tally
  readonly model: ModelCounts
  readonly count: (input: unknown, outputs?: Outputs, more?: object) => void
  readonly drift: () => DriftReport
}

/** An engine's tally, and the page that it tells. */
function counting(reference: unknown = REFERENCE): Counting {
  const tally = new Tally('m', '1.0.0', reference)
  const model = new ModelCounts('m')
  return {
    tally,
    model,
    count: (input, outputs = { risk: 5, refused: false }, more = {}) =>
      tally.count([{ input, ...more }], [{ outputs }]),
    drift: () => {
      const told = tally.take()
      if (told) model.tally(told)
      return driftOf('m', '1.0.0', model.tallies.get('1.0.0'))
    },
  }
}

function fieldOf(fields: readonly FieldDrift[], name: string): FieldDrift {
  const found = fields.find((field) => field.name === name)
  if (!found) throw new Error(`There is no "${name}".`)
  return found
}

/** A small generator of even numbers from 0 to 1 (Mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('drift', () => {
  test('names the bin whose share changed most, and by how much', () => {
    const page = counting()
    // Half of the records as before, half between 30 and 40; half without a plan; every answer a refusal.
    for (let i = 0; i < 600; i++) {
      const score = i % 2 === 0 ? (i / 6) % 100 : 35
      page.count(
        { score, ...(i % 2 === 0 ? {} : { plan: i % 4 === 1 ? 'free' : 'paid' }) },
        { risk: score, refused: true },
      )
    }
    const { fields, outputs, predictions, hasReference } = page.drift()
    expect({ predictions, hasReference }).toEqual({ predictions: 600, hasReference: true })
    const score = fieldOf(fields, 'score')
    expect(score).toMatchObject({
      kind: 'numeric',
      count: 600,
      bin: '30 to 40',
      drifted: true,
      state: 'drifted',
    })
    expect(score.largestChange).toBeCloseTo(0.45, 2)
    expect(fieldOf(fields, 'plan')).toMatchObject({ kind: 'categories', bin: 'missing', drifted: true })
    expect(fieldOf(fields, 'plan').largestChange).toBeCloseTo(1 / 2 - 1 / 6, 6)
    expect(fieldOf(outputs, 'refused')).toMatchObject({ bin: 'false', largestChange: 0.8, drifted: true })
    expect(fieldOf(outputs, 'risk')).toMatchObject({ bin: '30 to 40' })
  })

  test('says bins in words', () => {
    const binOf = (input: object): string[] => {
      const page = counting()
      for (let i = 0; i < 500; i++) page.count(input)
      return page.drift().fields.map(({ bin }) => bin)
    }
    expect(binOf({ score: -3, plan: 'free' })).toEqual(['below 10', 'free'])
    expect(binOf({ score: 10, plan: 'paid' })).toEqual(['10 to 20', 'paid'])
    expect(binOf({ score: 90, plan: 'gold' })).toEqual(['90 or more', 'other'])
    expect(binOf({ score: null })).toEqual(['missing', 'missing'])
  })

  test('counts labels by their name', () => {
    const page = counting({
      data: DATA,
      rows: 1000,
      fields: {},
      outputs: { rows: 1000, profiles: { kind: PLAN } },
    })
    for (let i = 0; i < 500; i++) page.count('any input', { kind: { label: 'paid', score: 0.9 } })
    expect(page.drift().outputs).toMatchObject([{ name: 'kind', bin: 'paid', count: 500, drifted: true }])
  })

  test('of too few values says that they are too few', () => {
    const page = counting()
    // At ten even bins and 6,000 rows, 148 values make a change of a tenth four standard errors.
    for (let i = 0; i < 147; i++) page.count({ score: 5, plan: 'free' })
    expect(fieldOf(page.drift().fields, 'score')).toMatchObject({ state: 'insufficient', drifted: false })
    page.count({ score: 5, plan: 'free' })
    expect(fieldOf(page.drift().fields, 'score')).toMatchObject({ state: 'drifted', drifted: true })
    expect(fieldOf(page.drift().fields, 'plan'), 'whose bins are larger').toMatchObject({
      state: 'insufficient',
    })
    const small = counting({
      data: DATA,
      rows: 40,
      fields: {
        plan: {
          ...PLAN,
          count: 40,
          missing: 0,
          other: 0,
          categories: [
            { value: 'free', count: 20 },
            { value: 'paid', count: 20 },
          ],
        },
      },
    })
    for (let i = 0; i < 10_000; i++) small.count({ plan: 'free' })
    expect(small.drift().fields, 'a reference of 40 rows never suffices').toMatchObject([
      { state: 'insufficient' },
    ])
  })

  test('of a version without a profile, or with nothing counted, is none', () => {
    expect(driftOf('m', '1.0.0', undefined)).toEqual({
      model: 'm',
      version: '1.0.0',
      hasReference: false,
      predictions: 0,
      fields: [],
      outputs: [],
    })
  })

  test('is not seen where there is none: in 2 of 1,000 looks at most', () => {
    const LOOKS = 1000
    for (const n of [148, 200, 400, 1000]) {
      let alarms = 0
      for (let seed = 0; seed < LOOKS; seed++) {
        const next = random(seed * 7919 + n)
        const page = counting({ data: DATA, rows: 6000, fields: { score: EVEN } })
        const asked: Asked[] = []
        const answers: Answer[] = []
        for (let i = 0; i < n; i++) {
          asked.push({ input: { score: 100 * next() } })
          answers.push({ outputs: {} })
        }
        page.tally.count(asked, answers)
        const [score] = page.drift().fields
        expect(score?.state).not.toBe('insufficient')
        if (score?.drifted) alarms += 1
      }
      expect(alarms / LOOKS, `of ${n}`).toBeLessThanOrEqual(n < 200 ? 0.002 : 0)
    }
  })
})

describe('a tally', () => {
  test('puts each value where the profile counted it', () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 150, noNaN: true }), (score) => {
        const page = counting({ data: DATA, rows: 6000, fields: { score: EVEN } })
        page.count({ score })
        const edges = EVEN.kind === 'numeric' ? EVEN.edges : []
        const above = edges.findIndex((edge) => score < edge)
        const expected = above < 0 ? edges.length : above
        expect(page.tally.take()?.counts.indexOf(1)).toBe(expected)
      }),
    )
  })

  test('puts what is no number, and NaN, with what is missing', () => {
    const page = counting({ data: DATA, rows: 6000, fields: { score: EVEN } })
    for (const score of [Number.NaN, '5', undefined]) page.count({ score })
    expect(page.tally.take()?.counts.at(-1)).toBe(3)
  })

  test('leaves out tests, golden vectors and what failed', () => {
    const { tally, count } = counting()
    count({ score: 1 }, { risk: 1 }, { isTest: true })
    tally.count([{ golden: { score: 1 } }], [{ outputs: { risk: 1 } }])
    tally.count([{ input: { score: 1 } }], [new AfieldError('engine/run-failed', 'No.')])
    expect(tally.take()).toMatchObject({ predictions: 0 })
    expect(tally.take()).toBeUndefined()
  })

  test('tells what came since the last time, and what it is of only once', () => {
    const { tally, count } = counting()
    count({ score: 1 })
    count({ score: 1 })
    const first = tally.take()
    count({ score: 95 })
    const second = tally.take()
    expect(first).toMatchObject({ predictions: 2, version: '1.0.0' })
    expect(first?.profiled).toHaveLength(4)
    expect(second).toMatchObject({ predictions: 1 })
    expect(second).not.toHaveProperty('profiled')
    expect([first?.counts[0], first?.counts[9], second?.counts[0], second?.counts[9]]).toEqual([2, 0, 0, 1])
    expect(tally.take()).toBeUndefined()
  })

  test('of two engines of a version are added', () => {
    const model = new ModelCounts('m')
    for (const score of [5, 15]) {
      const { tally, count } = counting({ data: DATA, rows: 6000, fields: { score: EVEN } })
      for (let i = 0; i < 200; i++) count({ score })
      const told = tally.take()
      if (told) model.tally(told)
    }
    const { predictions, fields } = driftOf('m', '1.0.0', model.tallies.get('1.0.0'))
    expect(predictions).toBe(400)
    expect(fields).toMatchObject([{ count: 400, largestChange: 0.4, bin: 'below 10' }])
  })

  test('refuses a profile that it cannot read', () => {
    expect(() => new Tally('m', '1.0.0', { fields: 'many' })).toThrow(
      /reference profile of m@1.0.0 is not valid/,
    )
  })
})
