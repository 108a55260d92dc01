import {
  AfieldError,
  DROP_REASONS,
  emptyOps,
  ERROR_CODES,
  FUNNEL_STEPS,
  histogram,
  MAX_BATCH_BYTES,
  MAX_COUNT,
  mergeOps,
  parseBatch,
  type Ops,
} from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const sample = {
  v: 1,
  id: '00112233445566778899aabbccddeeff',
  day: '2026-11-21',
  sdk: '0.1.0',
  cell: {
    model: 'learner-risk',
    version: '2.0.0',
    arm: 'candidate',
    backend: 'wasm',
    device: 'mobile',
    epoch: 3,
    step: 1,
  },
  firstToday: true,
  ops: {
    count: 40,
    errors: { 'input/invalid': 2 },
    funnel: { checked: 1, downloaded: 1, verified: 1, staged: 1, confirmed: 1 },
    latency: { '-12': 10, '0': 20, '37': 10 },
  },
}

/** The sample with the value at a dotted path replaced, or removed where it is undefined. */
function sampleWith(path: string, value: unknown): string {
  const copy: Record<string, unknown> = structuredClone(sample)
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  const parent = keys.reduce((node, key) => node[key] as Record<string, unknown>, copy)
  parent[last] = value
  return JSON.stringify(copy)
}

function codeOf(text: string): string {
  try {
    parseBatch(text)
    return 'accepted'
  } catch (error) {
    return error instanceof AfieldError ? error.code : String(error)
  }
}

describe('parseBatch', () => {
  test('reads a batch as it was sent', () => {
    expect(parseBatch(JSON.stringify(sample))).toEqual(sample)
    expect(parseBatch(sampleWith('ops.drops', { expired: 3 })).ops.drops).toEqual({ expired: 3 })
  })

  test('a window with too few answers sends no latencies', () => {
    expect(codeOf(sampleWith('ops.latency', {}))).toBe('accepted')
  })

  test.each([
    ['an unknown field', 'userAgent', 'Mozilla'],
    ['an unknown field of the cell', 'cell.url', 'https://example.com'],
    ['an unknown field of the counts', 'ops.note', 'x'],
    ['an error code that is on no list', 'ops.errors', { 'secret/thing': 1 }],
    ['a code that every object inherits', 'ops.errors', { toString: 1 }],
    ['a step of the funnel that is on no list', 'ops.funnel', { opened: 1 }],
    ['a drop reason that is on no list', 'ops.drops', { because: 1 }],
    ['an unknown version of the format', 'v', 2],
    ['an id that is not 16 bytes', 'id', 'abc'],
    ['a day that is none', 'day', '2026-02-30'],
    ['a time in place of a day', 'day', '2026-11-21T10:00:00Z'],
    ['an unknown arm', 'cell.arm', 'control'],
    ['an unknown backend', 'cell.backend', 'cuda'],
    ['a device in detail', 'cell.device', 'Pixel 9'],
    ['a model name with markup', 'cell.model', '<b>'],
    ['a fractional epoch', 'cell.epoch', 1.5],
    ['a negative step', 'cell.step', -1],
    ['a negative count', 'ops.count', -1],
    ['a count above the limit', 'ops.count', MAX_COUNT + 1],
    ['a count of text', 'ops.count', '40'],
    ['more latencies than answers', 'ops.count', 39],
    ['a bucket out of range', 'ops.latency', { '704': 1 }],
    ['a bucket that is no number', 'ops.latency', { p50: 1 }],
    ['a bucket written otherwise', 'ops.latency', { '01': 1 }],
    ['a fractional bucket count', 'ops.latency', { '1': 0.5 }],
    ['latencies as a list', 'ops.latency', [1, 2]],
    ['a missing flag', 'firstToday', undefined],
    ['missing counts', 'ops', undefined],
  ])('refuses %s', (_, path, value) => {
    expect(codeOf(sampleWith(path, value))).toBe('batch/invalid')
  })

  test.each(['', 'null', '[]', '"x"', '{', '<!doctype html>'])('refuses %j', (text) => {
    expect(codeOf(text)).toBe('batch/invalid')
  })

  test('refuses more bytes than a batch may have, counted in UTF-8', () => {
    const padded = JSON.stringify(sample).padEnd(MAX_BATCH_BYTES, ' ')
    expect(codeOf(padded)).toBe('accepted')
    expect(codeOf(`${padded} `)).toBe('batch/too-large')
    expect(codeOf('é'.repeat(MAX_BATCH_BYTES / 2 + 1))).toBe('batch/too-large')
  })

  test('anything at all is either a batch or refused with a code', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(['batch/invalid', 'batch/too-large']).toContain(codeOf(text))
      }),
    )
  })
})

const counts = (names: readonly string[]) =>
  fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 1, max: 100 }))

const latency = fc.dictionary(
  fc.integer({ min: -320, max: 703 }).map(String),
  fc.integer({ min: 1, max: 100 }),
)

const ops: fc.Arbitrary<Ops> = fc
  .record({
    extra: fc.nat(100),
    errors: counts(ERROR_CODES),
    funnel: counts(FUNNEL_STEPS),
    drops: counts(DROP_REASONS),
    latency,
  })
  .map(({ extra, errors, funnel, drops, latency }) => ({
    count: histogram.total(latency) + extra,
    errors,
    funnel,
    latency,
    ...(Object.keys(drops).length > 0 ? { drops } : {}),
  }))

describe('mergeOps', () => {
  test('adds everything', () => {
    const a: Ops = { count: 2, errors: { aborted: 1 }, funnel: { checked: 1 }, latency: { '5': 2 } }
    const b: Ops = {
      count: 3,
      errors: { aborted: 1 },
      funnel: { failed: 1 },
      latency: {},
      drops: { evicted: 1 },
    }
    expect(mergeOps(a, b)).toEqual({
      count: 5,
      errors: { aborted: 2 },
      funnel: { checked: 1, failed: 1 },
      latency: { '5': 2 },
      drops: { evicted: 1 },
    })
  })

  test('checkpoints may be merged in any order, and no checkpoint changes nothing', () => {
    fc.assert(
      fc.property(ops, ops, ops, (a, b, c) => {
        expect(mergeOps(a, mergeOps(b, c))).toEqual(mergeOps(mergeOps(a, b), c))
        expect(mergeOps(a, b)).toEqual(mergeOps(b, a))
        expect(mergeOps(a, emptyOps())).toEqual(a)
      }),
    )
  })

  test('what was merged is still a valid batch', () => {
    fc.assert(
      fc.property(ops, ops, (a, b) => {
        const text = JSON.stringify({ ...sample, ops: mergeOps(a, b) })
        expect(['accepted', 'batch/too-large']).toContain(codeOf(text))
      }),
    )
  })
})
