import { AfieldError, checkRolloutChange } from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { rollout } from './support/documents.js'

type Changes = Readonly<Record<string, unknown>>

const FINISHED = { candidate: undefined, coverage: 0 }

/** `allowed`, or the code and the reason. */
function change(next: Changes, previous: Changes = {}): string {
  try {
    checkRolloutChange(rollout(previous), rollout(next))
    return 'allowed'
  } catch (error) {
    return error instanceof AfieldError ? `${error.code} ${error.message}` : String(error)
  }
}

describe('allowed', () => {
  test.each<[string, Changes, Changes?]>([
    ['nothing changed', {}],
    ['a step up', { coverage: 10_000 }],
    ['another ladder', { steps: [2500, 5000] }],
    ['a pause', { paused: true }],
    ['a resume', {}, { paused: true }],
    ['killing the candidate', { killed: 'candidate' }],
    ['killing the model', { killed: 'model' }],
    ['a revival', {}, { killed: 'model' }],
    ['an abort', FINISHED],
    ['a promotion', { ...FINISHED, stable: '2.0.0' }],
    [
      'anything in a new epoch',
      { epoch: 2, seed: 'winter', stable: '7.0.0', candidate: '8.0.0', coverage: 0 },
    ],
    ['a new epoch that skips one', { epoch: 3 }],
  ])('%s', (_, next, previous) => {
    expect(change(next, previous)).toBe('allowed')
  })
})

describe('refused', () => {
  test.each<[string, Changes, RegExp, Changes?]>([
    ['an epoch that went back', {}, /the epoch went back/, { epoch: 2 }],
    ['another seed', { seed: 'winter' }, /the seed changed/],
    ['another candidate', { candidate: '3.0.0' }, /the candidate changed/],
    ['a candidate after an abort', {}, /the candidate changed/, FINISHED],
    ['less coverage', { coverage: 500 }, /coverage went down/],
    ['no coverage, the candidate kept', { coverage: 0 }, /coverage went down/],
    ['a stable version out of nowhere', { stable: '1.5.0' }, /the stable version changed/],
    ['a promotion after the abort', { ...FINISHED, stable: '2.0.0' }, /the stable version changed/, FINISHED],
    [
      'a stable version that goes back',
      { ...FINISHED, stable: '1.0.0' },
      /the stable version changed/,
      { ...FINISHED, stable: '2.0.0' },
    ],
  ])('%s', (_, next, why, previous) => {
    expect(change(next, previous)).toMatch(why)
    expect(change(next, previous)).toMatch(/^rollout\/invalid .*Start a new rollout instead\.$/)
  })
})
