/**
 * Every way the CLI itself refuses, beside the codes of the protocol's `AfieldError`. They are kept apart because
 * a device never meets them and telemetry never counts them.
 */
export const CLI_ERROR_CODES = [
  'bundle/nothing-to-ship',
  'config/incomplete',
  'config/invalid',
  'contract/mismatch',
  'contract/unclear',
  'csv/invalid',
  'csv/mismatch',
  'deploy/conflict',
  'deploy/credentials',
  'deploy/refused',
  'deploy/target',
  'deploy/unavailable',
  'disk/denied',
  'disk/full',
  'disk/path',
  'external-data/invalid',
  'file/missing',
  'file/unreadable',
  'golden/invalid',
  'graph/invalid',
  'graph/unsupported',
  'keys/exist',
  'keys/exposed',
  'keys/missing',
  'keys/passphrase',
  'keys/wrong',
  'metrics/invalid',
  'out/not-empty',
  'proposal/invalid',
  'proposal/missing',
  'proposal/stale',
  'proposal/waiting',
  'reference/invalid',
  'repository/conflict',
  'repository/damaged',
  'repository/missing',
  'repository/not-empty',
  'serve/port-in-use',
  'version/exists',
  'version/unknown',
  'usage',
] as const

export type CliErrorCode = (typeof CLI_ERROR_CODES)[number]

/** A refusal of the CLI. `message` says what is wrong and what to do, over several lines where that helps. */
export class CliError extends Error {
  override readonly name = 'CliError'

  constructor(
    readonly code: CliErrorCode,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options)
  }
}
