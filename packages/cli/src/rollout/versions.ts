import { AfieldError, VersionSchema, runnableVersions, type ModelIndex, type Version } from '@afield/protocol'
import * as v from 'valibot'

/**
 * A version that a rollout may name: published, not revoked, not below the minimum.
 *
 * @throws AfieldError `model/not-found`, `model/revoked`.
 */
export function requireRunnable(index: ModelIndex, text: string): Version {
  const runnable = runnableVersions(index)
  const version = v.safeParse(VersionSchema, text)
  if (!version.success || !index.versions[version.output]) {
    throw new AfieldError(
      'model/not-found',
      `${index.name} has no version "${text}". It has: ${runnable.join(', ') || 'none that may run'}.`,
    )
  }
  if (runnable.includes(version.output)) return version.output
  throw new AfieldError(
    'model/revoked',
    `${index.name}@${text} is revoked and never runs again. There is: ${runnable.join(', ') || 'nothing else'}.`,
  )
}
