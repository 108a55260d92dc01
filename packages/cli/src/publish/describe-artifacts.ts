import type { Artifact } from '@afield/protocol'
import { artifactBytes } from '../repository/read/descriptor.js'
import type { PreparedFile } from './artifact.js'
import type { SourceArtifact } from './artifacts.js'
import type { Replayed } from './replay-artifacts.js'

/** A model file of a version, and what was found about it. */
export interface PublishedArtifact extends Pick<Artifact, 'variant' | 'backends' | 'requires'> {
  readonly file: string
  /** Bytes that a device fetches to run it, without what it may have already. */
  readonly downloadBytes: number
  readonly replay: Replayed
}

/** An artifact as the descriptor lists it, and as `publish` tells of it. */
export interface DescribedArtifact {
  readonly artifact: Artifact
  readonly published: PublishedArtifact
}

/** @param prepared the files of all artifacts, one artifact after the other. */
export function describeArtifacts(
  sources: readonly SourceArtifact[],
  prepared: readonly PreparedFile[],
  replayed: ReadonlyMap<SourceArtifact, Replayed>,
): readonly DescribedArtifact[] {
  let from = 0
  return sources.map((source) => {
    const { file, variant, backends, requires, tolerance } = source
    const files = prepared.slice(from, (from += source.sources.length)).map((one) => one.file)
    const replay = replayed.get(source) ?? 'skipped'
    const artifact: Artifact = {
      variant,
      backends,
      ...(requires ? { requires } : {}),
      ...(tolerance ? { tolerance } : {}),
      ...(replay === 'left-to-devices' ? { replay: 'skipped' } : {}),
      files,
    }
    const published = { file, variant, backends, ...(requires ? { requires } : {}), replay }
    return { artifact, published: { ...published, downloadBytes: artifactBytes(artifact) } }
  })
}
