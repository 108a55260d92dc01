import { CliError } from '../errors.js'
import { TIMESTAMP_PATH, metadataPath } from '../repository/files/layout.js'
import { asSnapshot, asTimestamp } from './parts.js'
import type { DeployTarget } from './target.js'

/** `deploy/conflict` in one wording for all its ways. */
export function conflict(target: DeployTarget, what: string): CliError {
  return new CliError(
    'deploy/conflict',
    `Somebody else deployed to ${target.name}: ${what}. Nothing of theirs was changed. Take the files of the target ` +
      'over into your repository, make your change again, then deploy.',
  )
}

/**
 * The same for numbered metadata of somebody else. Where their deploy has not pointed the timestamp at it, it says what
 * to do if it never will.
 */
export async function numberConflict(
  target: DeployTarget,
  what: string,
  signal: AbortSignal | undefined,
): Promise<CliError> {
  const served = asTimestamp(await target.read(TIMESTAMP_PATH, signal))?.meta['snapshot.json'].version
  const left = await unfinished(target, served, signal)
  if (left.length === 0) return conflict(target, what)
  return new CliError(
    'deploy/conflict',
    `Somebody else's deploy to ${target.name} stopped half-way, or is still running: ${what}, and devices are sent to ` +
      `${served === undefined ? 'no version' : `version ${served}`} still. Whoever began it runs afield deploy again, ` +
      'from the same repository, and it goes on where it stopped; then take the files of the target over into your ' +
      'repository, make your change again, and deploy. If nobody can, delete these files of the target, which no ' +
      `device was sent to, and deploy again:\n  ${left.join('\n  ')}`,
  )
}

/** The snapshots and roles of a target that are above what its timestamp sends devices to. */
async function unfinished(
  target: DeployTarget,
  served: number | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const path = served === undefined ? undefined : metadataPath('snapshot', served)
  const snapshot = path === undefined ? undefined : asSnapshot(await target.read(path, signal))
  // A target whose own snapshot is lost needs more than that.
  if (path !== undefined && !snapshot) return []
  return [...(await target.list(signal)).keys()].sort().filter((file) => {
    const [, version = '', name = 'root'] = /^metadata\/(\d+)\.(.+)\.json$/.exec(file) ?? []
    const named = name === 'snapshot' ? served : snapshot?.meta[`${name}.json`]?.version
    return name !== 'root' && Number(version) > (named ?? 0)
  })
}
