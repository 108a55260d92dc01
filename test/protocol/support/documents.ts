import {
  jsonBytes,
  parseModelIndex,
  parseRollout,
  type ModelIndex,
  type Rollout,
  type Version,
} from '@afield/protocol'

const CHANGE = { author: 'Ops', reason: 'because', at: '2026-11-21T12:00:00Z' }

/** `1.0.0` and its like, as the schemas brand it. */
export function version(text: string): Version {
  return text as Version
}

/** The parsed index of the model `m`: some versions, some of them revoked. */
export function index(
  versions: readonly string[],
  {
    revoked = [],
    minVersion,
  }: { readonly revoked?: readonly string[]; readonly minVersion?: string | undefined } = {},
): ModelIndex {
  const releases = versions.map((one, i) => [
    one,
    {
      descriptor: { sha256: i.toString(16).padStart(64, '0'), size: 100 },
      created: CHANGE.at,
      ...(revoked.includes(one) ? { revoked: CHANGE } : {}),
    },
  ])
  const document = {
    format: 1,
    name: 'm',
    versions: Object.fromEntries(releases),
    minVersion,
    change: CHANGE,
  }
  return parseModelIndex(jsonBytes(document), 'm')
}

/** The rollout of the model `m` as it is written: 2.0.0 for a quarter of all devices, 1.0.0 for the rest. */
export const ROLLOUT = {
  format: 1,
  model: 'm',
  epoch: 1,
  strategy: 'canary',
  stable: '1.0.0',
  candidate: '2.0.0',
  coverage: 2500,
  steps: [500, 2500, 10_000],
  seed: 'autumn',
  paused: false,
  killed: 'none',
  change: CHANGE,
} as const

/** {@link ROLLOUT} with some fields replaced, or removed where they are undefined. */
export function rollout(changes: Readonly<Record<string, unknown>> = {}): Rollout {
  return parseRollout(jsonBytes({ ...ROLLOUT, ...changes }), 'm')
}
