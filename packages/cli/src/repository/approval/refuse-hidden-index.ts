import { canonicalBytes, type ModelIndex, type Release, type Version } from '@afield/protocol'
import { descriptorPath } from '../files/layout.js'
import type { Repository } from '../read/open.js'
import { hidden } from './refuse-hidden.js'

/**
 * Refuses an index that changes more of a release than whether it is there, which descriptor it has, and whether it is
 * revoked: nothing else is told.
 *
 * @throws CliError `proposal/invalid`.
 */
export async function refuseHiddenIndex(
  repository: Repository,
  before: ModelIndex | undefined,
  after: ModelIndex,
  bytes: Uint8Array,
): Promise<void> {
  const written: unknown = JSON.parse(new TextDecoder().decode(bytes))
  if (!same(written, JSON.parse(JSON.stringify(after)))) {
    throw hidden(`The index of ${after.name} has fields that this version of afield does not know.`)
  }
  for (const [version, next] of Object.entries(after.versions)) {
    const old = before?.versions[version as Version]
    const kept = old?.descriptor.sha256 === next.descriptor.sha256 ? old : undefined
    if (kept && !sameRelease(kept, next)) {
      throw hidden(`The proposal changes what the index says of ${after.name}@${version} without saying so.`)
    }
    if (!kept) await refuseOtherSize(repository, `${after.name}@${version}`, next)
  }
}

/** A revocation may come or go, which is told, but not read otherwise later. */
function sameRelease(old: Release, next: Release): boolean {
  const { revoked: before, ...was } = old
  const { revoked: after, ...is } = next
  return same(was, is) && (!before || !after || same(before, after))
}

/** A device fetches no more than the size that is signed. Where the descriptor is not here, only its hash is told. */
async function refuseOtherSize({ files }: Repository, name: string, { descriptor }: Release): Promise<void> {
  const bytes = await files.read(descriptorPath(descriptor.sha256))
  if (!bytes || bytes.length === descriptor.size) return
  throw hidden(
    `The proposal says that the descriptor of ${name} has ${descriptor.size} bytes, not ${bytes.length}.`,
  )
}

function same(a: unknown, b: unknown): boolean {
  return Buffer.compare(canonicalBytes(a), canonicalBytes(b)) === 0
}
