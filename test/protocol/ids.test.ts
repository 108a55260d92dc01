import { ModelNameSchema, VersionSchema, compareVersions, isPrerelease, parseWith } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { version } from './support/documents.js'

const isVersion = (text: string): boolean => accepts(VersionSchema, text)
const isName = (text: string): boolean => accepts(ModelNameSchema, text)

function accepts(schema: typeof VersionSchema | typeof ModelNameSchema, text: string): boolean {
  try {
    parseWith(schema, text, 'internal/unexpected', 'It')
    return true
  } catch {
    return false
  }
}

const number = fc.integer({ min: 0, max: 999_999_999 }).map(String)
const identifier = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String),
  fc.stringMatching(/^[0-9a-zA-Z-]{0,6}[a-zA-Z-][0-9a-zA-Z-]{0,6}$/),
)
const anyVersion = fc
  .tuple(number, number, number, fc.array(identifier, { maxLength: 2 }))
  .map(([major, minor, patch, pre]) =>
    version(`${major}.${minor}.${patch}${pre.length > 0 ? `-${pre.join('.')}` : ''}`),
  )
/** Versions near each other, so that all the ways of being equal in part come up. */
const closeVersion = fc
  .tuple(
    fc.constantFrom('1.0.0', '1.0.1', '1.10.0'),
    fc.constantFrom('', '-1', '-2', '-a', '-a.1', '-a.b', '-1.a', '-9007199254740992', '-9007199254740993'),
  )
  .map(([core, pre]) => version(core + pre))
const versions = fc.oneof(anyVersion, closeVersion)

describe('the order of versions', () => {
  test('is the one that semver.org gives as its example', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ].map(version)
    expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered)
  })

  test('compares numbers too large for a double', () => {
    expect(
      compareVersions(version('1.0.0-9007199254740993'), version('1.0.0-9007199254740992')),
    ).toBeGreaterThan(0)
  })

  test('is total: antisymmetric, transitive, and equal only for the same text', () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)))
        expect(compareVersions(a, b) === 0).toBe(a === b)
        const [low = a, middle = b, high = c] = [a, b, c].sort(compareVersions)
        expect(compareVersions(low, middle)).toBeLessThanOrEqual(0)
        expect(compareVersions(middle, high)).toBeLessThanOrEqual(0)
        expect(compareVersions(low, high)).toBeLessThanOrEqual(0)
      }),
    )
  })

  test('every pre-release comes before its release', () => {
    fc.assert(
      fc.property(anyVersion.filter(isPrerelease), (pre) => {
        const release = version(pre.slice(0, pre.indexOf('-')))
        expect(compareVersions(pre, release)).toBeLessThan(0)
      }),
    )
  })
})

test('every generated version is a version', () => {
  fc.assert(fc.property(anyVersion, (one) => one.length > 64 || isVersion(one)))
})

test.each(['1.0.0', '0.0.1', '1.2.3-beta.1', '1.0.0-0', '1.0.0-0a', '1.0.0--', '999999999.0.0'])(
  '%s is a version',
  (text) => {
    expect(isVersion(text)).toBe(true)
  },
)

test.each([
  '1',
  '1.0',
  'v1.0.0',
  '01.0.0',
  '1.0.0-01',
  '1.0.0-a.00',
  '1.0.0-',
  '1.0.0-a..b',
  '1.0.0+build',
  '1.0.0 ',
  'latest',
  '1234567890.0.0',
  `1.0.0-${'a'.repeat(60)}`,
])('%s is not a version', (text) => {
  expect(isVersion(text)).toBe(false)
})

test.each(['m', 'learner-risk', '0', 'a'.repeat(64)])('%s is a name', (text) => {
  expect(isName(text)).toBe(true)
})

test.each(['', '-m', 'M', 'a_b', 'a/b', '../x', 'a.b', 'ä', 'a'.repeat(65)])('"%s" is no name', (text) => {
  expect(isName(text)).toBe(false)
})
