import * as v from 'valibot'
import { text, typedText } from './primitives.js'

/** Hex SHA-256 of some bytes: the name under which descriptors and chunks are stored and fetched. */
export const Sha256Schema = typedText<Sha256>(
  v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hex')),
)
export type Sha256 = string & v.Brand<'Sha256'>

const NAME_RULE = 'a name is 1 to 64 of a-z, 0-9 and -, and starts with no -'

/** A model's name: what `load()` takes and what the URL of its index holds. */
export const ModelNameSchema = typedText<ModelName>(
  v.pipe(v.string(NAME_RULE), v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, NAME_RULE)),
)
export type ModelName = string & v.Brand<'ModelName'>

/** A SemVer 2.0 version without build metadata. */
export const VersionSchema = typedText<Version>(
  v.pipe(
    text(1, 64),
    v.regex(
      /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-(?!0\d+(\.|$))[0-9a-zA-Z-]+(\.(?!0\d+(\.|$))[0-9a-zA-Z-]+)*)?$/,
      'not a SemVer version such as 1.4.0 or 2.0.0-beta.1',
    ),
  ),
)
export type Version = string & v.Brand<'Version'>

/** Orders two versions by SemVer precedence (https://semver.org, clause 11): negative, zero or positive. */
export function compareVersions(a: Version, b: Version): number {
  const [coreA, preA] = splitPrerelease(a)
  const [coreB, preB] = splitPrerelease(b)
  const difference = compareIdentifiers(coreA, coreB)
  if (difference !== 0 || preA === preB) return difference
  // A pre-release comes before the release it leads to.
  if (preA === undefined) return 1
  if (preB === undefined) return -1
  return compareIdentifiers(preA, preB)
}

/** True for 2.0.0-beta.1 and its like: such a version serves only where a rollout or `load` names it. */
export function isPrerelease(version: Version): boolean {
  return version.includes('-')
}

function splitPrerelease(version: string): [string, string | undefined] {
  const dash = version.indexOf('-')
  return dash < 0 ? [version, undefined] : [version.slice(0, dash), version.slice(dash + 1)]
}

function compareIdentifiers(textA: string, textB: string): number {
  const a = textA.split('.')
  const b = textB.split('.')
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const left = a[i]
    const right = b[i]
    if (left === right) continue
    if (left === undefined) return -1
    if (right === undefined) return 1
    const leftNumber = /^\d+$/.test(left)
    const rightNumber = /^\d+$/.test(right)
    // Too long for a number to hold, they still compare: without leading zeros the longer one is larger.
    if (leftNumber && rightNumber && left.length !== right.length) return left.length - right.length
    if (leftNumber !== rightNumber) return leftNumber ? -1 : 1
    return left < right ? -1 : 1
  }
  return 0
}
