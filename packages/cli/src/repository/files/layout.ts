import type { ModelName, Sha256 } from '@afield/protocol'

/**
 * Where things lie in a repository, as paths relative to its folder with `/` between segments: the same paths are
 * URLs once the folder is served.
 */

/** Folders whose files are named by their hash; they never change. */
export const CONTENT_FOLDERS = ['targets', 'descriptors', 'chunks'] as const

export const TIMESTAMP_PATH = 'metadata/timestamp.json'

/** Numbered metadata never changes once written (TUF's consistent snapshots). */
export function metadataPath(role: string, version: number): string {
  return `metadata/${version}.${role}.json`
}

/** The target path of a model index, as metadata names it. */
export function indexTarget(name: ModelName): string {
  return `models/${name}.json`
}

/** The target path of a rollout, as metadata names it. */
export function rolloutTarget(name: ModelName): string {
  return `rollouts/${name}.json`
}

/** Where a target lies: its hash goes in front of the file name, so that two versions never share a URL. */
export function targetPath(target: string, sha256: Sha256): string {
  const slash = target.lastIndexOf('/') + 1
  return `targets/${target.slice(0, slash)}${sha256}.${target.slice(slash)}`
}

export function descriptorPath(sha256: Sha256): string {
  return `descriptors/${sha256}.json`
}

export function chunkPath(sha256: Sha256): string {
  return `chunks/${sha256.slice(0, 2)}/${sha256}`
}
