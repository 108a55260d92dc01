import { RequestedSchema, decide, deviceBucket, parseWith, type Decision } from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { index, rollout, version } from './support/documents.js'

const ids = Array.from({ length: 500 }, (_, i) => `device ${i}`)
const find = (low: number, high: number): string => {
  const id = ids.find((one) => deviceBucket('autumn', one) >= low && deviceBucket('autumn', one) < high)
  if (id === undefined) throw new Error('No device in that share.')
  return id
}
/** Among the quarter of devices that the candidate of {@link rollout} is meant for. */
const INSIDE = find(0, 2500)
const OUTSIDE = find(2500, 10_000)

interface Case {
  readonly versions?: readonly string[]
  readonly revoked?: readonly string[]
  readonly minVersion?: string
  /** What differs from the usual rollout; `none`: there is no rollout. */
  readonly rollout?: Readonly<Record<string, unknown>> | 'none'
  readonly device?: string
  readonly admitted?: boolean
  readonly admittedIn?: number
  /** The seed of the rollout that admitted it. */
  readonly admittedBy?: string
  readonly failed?: readonly string[]
  readonly requested?: string
}

function decided(one: Case): Decision {
  const { versions = ['1.0.0', '2.0.0'], revoked = [], minVersion, device = INSIDE, failed = [] } = one
  const { requested } = one
  return decide({
    index: index(versions, { revoked, minVersion }),
    rollout: one.rollout === 'none' ? undefined : rollout(one.rollout),
    deviceId: device,
    assignment:
      one.admitted === undefined
        ? undefined
        : { epoch: one.admittedIn ?? 1, seed: one.admittedBy ?? 'autumn', admitted: one.admitted },
    failedHere: new Set(failed.map(version)),
    requested:
      requested === undefined || requested === 'latest'
        ? requested
        : parseWith(RequestedSchema, requested, 'model/not-found', 'what is asked for'),
  })
}

/** `2.0.0 candidate in-canary`, or why nothing serves. */
function short(one: Case): string {
  const decision = decided(one)
  return decision.kind === 'refuse'
    ? `refuse ${decision.reason}`
    : `${decision.version} ${decision.arm} ${decision.reason}`
}

const NO_CANDIDATE = { candidate: undefined, coverage: 0 }

describe('which version a device runs', () => {
  test.each<[string, Case, string]>([
    ['the candidate inside its share', {}, '2.0.0 candidate in-canary'],
    ['the stable version outside', { device: OUTSIDE }, '1.0.0 stable outside-canary'],
    ['the stable version without a candidate', { rollout: NO_CANDIDATE }, '1.0.0 stable stable'],
    ['the newest release without a rollout', { rollout: 'none' }, '2.0.0 stable latest-release'],
    [
      'no pre-release without a rollout',
      { rollout: 'none', versions: ['1.0.0', '2.0.0-rc.1'] },
      '1.0.0 stable latest-release',
    ],
    [
      'a pre-release where a rollout names it',
      { versions: ['1.0.0', '2.0.0-rc.1'], rollout: { candidate: '2.0.0-rc.1' } },
      '2.0.0-rc.1 candidate in-canary',
    ],

    ['nothing of a killed model', { rollout: { killed: 'model' } }, 'refuse model-killed'],
    [
      'nothing of a killed model, also when asked for',
      { rollout: { killed: 'model' }, requested: '1.0.0' },
      'refuse model-killed',
    ],
    [
      'nothing of a killed model, also when admitted',
      { rollout: { killed: 'model' }, admitted: true },
      'refuse model-killed',
    ],
    ['no killed candidate', { rollout: { killed: 'candidate' } }, '1.0.0 stable candidate-killed'],
    [
      'no killed candidate, also when admitted',
      { rollout: { killed: 'candidate' }, admitted: true },
      '1.0.0 stable candidate-killed',
    ],
    [
      'no killed candidate, also when asked for',
      { rollout: { killed: 'candidate' }, requested: '2.0.0' },
      'refuse version-killed',
    ],
    [
      'latest, without a killed candidate',
      { rollout: { killed: 'candidate' }, requested: 'latest' },
      '1.0.0 pinned requested',
    ],

    ['no revoked candidate', { revoked: ['2.0.0'] }, '1.0.0 stable candidate-withdrawn'],
    [
      'no revoked candidate, also when admitted',
      { revoked: ['2.0.0'], admitted: true },
      '1.0.0 stable candidate-withdrawn',
    ],
    ['no revoked version, also when asked for', { revoked: ['2.0.0'], requested: '2.0.0' }, 'refuse revoked'],
    ['nothing below the least version', { minVersion: '2.0.0', requested: '1.0.0' }, 'refuse revoked'],
    [
      'what an alias names, also outside the share',
      { rollout: { aliases: { beta: '2.0.0' } }, device: OUTSIDE, requested: 'beta' },
      '2.0.0 pinned requested',
    ],
    [
      'nothing revoked by its alias',
      { rollout: { aliases: { beta: '2.0.0' } }, revoked: ['2.0.0'], requested: 'beta' },
      'refuse revoked',
    ],
    [
      'nothing killed by its alias',
      { rollout: { aliases: { beta: '2.0.0' }, killed: 'candidate' }, requested: 'beta' },
      'refuse version-killed',
    ],
    ['nothing by an alias that there is not', { requested: 'beta' }, 'refuse not-found'],
    ['nothing by a name that every object has', { requested: 'constructor' }, 'refuse not-found'],
    ['nothing that was never published', { requested: '9.0.0' }, 'refuse not-found'],
    [
      'latest of nothing but pre-releases',
      { versions: ['1.0.0-a'], requested: 'latest', rollout: 'none' },
      'refuse not-found',
    ],

    [
      'the version asked for, outside the share',
      { device: OUTSIDE, requested: '2.0.0' },
      '2.0.0 pinned requested',
    ],
    ['the version asked for, inside the share', { requested: '1.0.0' }, '1.0.0 pinned requested'],
    ['the latest when asked for', { device: OUTSIDE, requested: 'latest' }, '2.0.0 pinned requested'],
    [
      'a pre-release when asked for',
      { versions: ['1.0.0', '2.0.0', '3.0.0-a'], requested: '3.0.0-a' },
      '3.0.0-a pinned requested',
    ],
    [
      'latest is no pre-release',
      { versions: ['1.0.0', '2.0.0', '3.0.0-a'], requested: 'latest' },
      '2.0.0 pinned requested',
    ],
    [
      'not even when asked for, if it failed here',
      { requested: '2.0.0', failed: ['2.0.0'] },
      'refuse failed-here',
    ],
    [
      'the latest that did not fail here',
      { requested: 'latest', failed: ['2.0.0'] },
      '1.0.0 pinned requested',
    ],
    [
      'nothing when all failed here',
      { requested: 'latest', failed: ['1.0.0', '2.0.0'] },
      'refuse nothing-runnable',
    ],

    ['no candidate that failed here', { failed: ['2.0.0'] }, '1.0.0 stable candidate-failed-here'],
    [
      'no candidate that failed here, also when admitted',
      { failed: ['2.0.0'], admitted: true },
      '1.0.0 stable candidate-failed-here',
    ],
    [
      'the next release when the newest failed here',
      { rollout: 'none', failed: ['2.0.0'] },
      '1.0.0 stable latest-release',
    ],
    [
      'nothing when all releases failed here',
      { rollout: 'none', failed: ['1.0.0', '2.0.0'] },
      'refuse nothing-runnable',
    ],

    [
      'the candidate where admitted before, whatever the hash',
      { device: OUTSIDE, admitted: true },
      '2.0.0 candidate in-canary',
    ],
    [
      'the hash decides where admitted in an epoch before',
      { device: OUTSIDE, admitted: true, admittedIn: 0 },
      '1.0.0 stable outside-canary',
    ],
    [
      'the hash decides where another repository admitted the device in an epoch of that number',
      { device: OUTSIDE, admitted: true, admittedBy: 'winter' },
      '1.0.0 stable outside-canary',
    ],
    ['the hash lets in who was outside before', { admitted: false }, '2.0.0 candidate in-canary'],
    ['a pause keeps new devices out', { rollout: { paused: true } }, '1.0.0 stable canary-paused'],
    [
      'a pause leaves those admitted in',
      { rollout: { paused: true }, admitted: true },
      '2.0.0 candidate in-canary',
    ],
    [
      'a pause changes nothing outside',
      { rollout: { paused: true }, device: OUTSIDE },
      '1.0.0 stable outside-canary',
    ],

    [
      'another release where the stable one was revoked',
      { versions: ['0.9.0', '1.0.0', '2.0.0'], revoked: ['1.0.0'], device: OUTSIDE },
      '0.9.0 stable stable-unavailable',
    ],
    [
      'another release where the stable one failed here',
      { versions: ['0.9.0', '1.0.0', '2.0.0'], failed: ['1.0.0'], device: OUTSIDE },
      '0.9.0 stable stable-unavailable',
    ],
    [
      'never the candidate in place of the stable version',
      { failed: ['1.0.0'], device: OUTSIDE },
      'refuse nothing-runnable',
    ],
    [
      'never the killed candidate in place of the stable version',
      { rollout: { killed: 'candidate' }, failed: ['1.0.0'] },
      'refuse nothing-runnable',
    ],
  ])('%s', (_, one, expected) => {
    expect(short(one)).toBe(expected)
  })
})

describe('what a decision says besides', () => {
  test('its bucket, and what to remember', () => {
    expect(decided({})).toMatchObject({
      bucket: deviceBucket('autumn', INSIDE),
      assignment: { epoch: 1, seed: 'autumn', admitted: true },
    })
    expect(decided({ device: OUTSIDE })).toMatchObject({ assignment: { epoch: 1, admitted: false } })
  })

  test('that a paused rollout admitted nobody', () => {
    expect(decided({ rollout: { paused: true } })).toMatchObject({ assignment: { admitted: false } })
  })

  test('a version that was asked for leaves what is remembered alone', () => {
    expect(decided({ requested: '1.0.0', admitted: true })).toMatchObject({
      assignment: { epoch: 1, seed: 'autumn', admitted: true },
    })
  })
})
