import { MAX_ROLLOUT_BYTES, jsonBytes, parseRollout, utf8 } from '@afield/protocol'
import { expect, test } from 'vitest'
import { ROLLOUT, rollout } from './support/documents.js'

test('a rollout is read as it was written', () => {
  expect(rollout()).toEqual(ROLLOUT)
})

test('aliases name versions', () => {
  const aliases = { beta: '2.0.0', 'form-3': '1.0.0' }
  expect(rollout({ aliases })).toEqual({ ...ROLLOUT, aliases })
})

test('fields of later versions are passed over', () => {
  expect(rollout({ targeting: { country: 'CH' } })).toEqual(ROLLOUT)
})

test.each<[string, Readonly<Record<string, unknown>>, string]>([
  ['another format', { format: 2 }, 'format'],
  ['another model', { model: 'n' }, 'another model'],
  ['a strategy that this version does not know', { strategy: 'ab' }, 'strategy'],
  ['no stable version', { stable: undefined }, 'stable'],
  ['a version that is none', { stable: '1' }, 'stable'],
  ['a candidate that is the stable version', { candidate: '1.0.0' }, 'the candidate is the stable version'],
  ['coverage for nobody', { candidate: undefined }, 'coverage without a candidate'],
  ['more than all devices', { coverage: 10_001 }, 'coverage'],
  ['less than none', { coverage: -1 }, 'coverage'],
  ['a fraction of a basis point', { coverage: 0.5 }, 'coverage'],
  ['steps that do not rise', { steps: [500, 500] }, 'steps do not rise'],
  ['a step of nothing', { steps: [0, 500] }, 'steps do not rise'],
  ['too many steps', { steps: Array.from({ length: 101 }, (_, i) => i + 1) }, 'steps'],
  ['a negative epoch', { epoch: -1 }, 'epoch'],
  ['an empty seed', { seed: '' }, 'seed'],
  ['an unknown switch', { killed: 'all' }, 'killed'],
  ['a pause that is not yes or no', { paused: 1 }, 'paused'],
  ['an alias that means the newest', { aliases: { latest: '1.0.0' } }, 'aliases.latest'],
  ['an alias that looks like a version', { aliases: { '1.0': '1.0.0' } }, 'aliases.1.0'],
  ['an alias of no version', { aliases: { beta: 'newest' } }, 'aliases.beta'],
  [
    'too many aliases',
    { aliases: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`a${i}`, '1.0.0'])) },
    'aliases',
  ],
  ['no author', { change: { reason: 'r', at: '2026-11-21T12:00:00Z' } }, 'change.author'],
])('refuses %s', (_, changes, where) => {
  expect(() => rollout(changes)).toThrow(
    expect.objectContaining({ code: 'rollout/invalid', message: expect.stringContaining(where) }),
  )
})

test('says what a web page in its place looks like', () => {
  expect(() => parseRollout(utf8('<!doctype html>'), 'm')).toThrow(
    expect.objectContaining({ code: 'rollout/invalid', message: expect.stringContaining('HTML') }),
  )
})

test('the largest rollout that passes fits its limit in bytes', () => {
  const largest = {
    ...ROLLOUT,
    seed: 's'.repeat(100),
    steps: Array.from({ length: 100 }, (_, i) => 9901 + i),
  }
  expect(jsonBytes(largest).length).toBeLessThan(MAX_ROLLOUT_BYTES)
})
