import {
  AfieldError,
  parseModelIndex,
  parseRollout,
  type Chunk,
  type ModelIndex,
  type Release,
  type Version,
} from '@afield/protocol'
import { decodeChunk, wireBytes } from '../files/chunk-encoding.js'
import { chunkPath, descriptorPath } from '../files/layout.js'
import { missingPart } from '../files/missing-part.js'
import { chunksOf, readDescriptor } from '../read/descriptor.js'
import { listingRoles, readTarget, type Repository } from '../read/open.js'

/** A file of a repository that a device would refuse. */
export interface Problem {
  /** The file, such as `descriptors/<sha256>.json`, and what it belongs to. */
  readonly where: string
  readonly code: string
  readonly message: string
}

/** What a walk went over. */
export interface Walked {
  readonly models: number
  readonly versions: number
  readonly chunks: number
  /** Bytes of chunks, as they lie on the disk. */
  readonly bytes: number
  readonly problems: readonly Problem[]
}

export interface WalkProgress {
  readonly checked: number
  readonly total: number
}

/** Goes over every document, descriptor and chunk that signed metadata leads to, and goes on after a problem. */
export async function walkContent(
  repository: Repository,
  onProgress: (progress: WalkProgress) => void,
): Promise<Walked> {
  const walk = new Walk(repository, onProgress)
  for (const role of await listingRoles(repository)) await walk.role(role)
  return walk.result()
}

class Walk {
  readonly #repository: Repository
  readonly #onProgress: (progress: WalkProgress) => void
  readonly #chunks = new Set<string>()
  readonly #listings = new Set<string>()
  readonly #problems: Problem[] = []
  readonly #seen = { models: 0, versions: 0, bytes: 0, total: 0 }

  constructor(repository: Repository, onProgress: (progress: WalkProgress) => void) {
    this.#repository = repository
    this.#onProgress = onProgress
  }

  result(): Walked {
    const { models, versions, bytes } = this.#seen
    return { models, versions, chunks: this.#chunks.size, bytes, problems: this.#problems }
  }

  async role(role: string): Promise<void> {
    const targets = await this.#try(`metadata/${role}.json`, () => this.#repository.role(role))
    for (const target of Object.keys(targets?.targets ?? {})) {
      const [, kind, name = ''] = /^(models|rollouts)\/(.+)\.json$/.exec(target) ?? []
      if (kind === 'models') await this.#model(target, name)
      else if (kind === 'rollouts') await this.#rollout(target, name)
      else await this.#try(target, () => Promise.reject(unknownTarget(role, target)))
    }
  }

  async #model(target: string, name: string): Promise<void> {
    const index = await this.#try(target, async () => {
      const read = await readTarget(this.#repository, target)
      if (!read) throw missingPart(target)
      return parseModelIndex(read.bytes, name)
    })
    if (!index) return
    this.#seen.models++
    const releases = Object.entries(index.versions) as [Version, Release][]
    this.#seen.total += releases.length
    for (const [version, release] of releases) await this.#version(index, version, release)
  }

  async #rollout(target: string, name: string): Promise<void> {
    await this.#try(target, async () => {
      const read = await readTarget(this.#repository, target)
      if (!read) throw missingPart(target)
      parseRollout(read.bytes, name)
    })
  }

  async #version({ name }: ModelIndex, version: Version, release: Release): Promise<void> {
    const path = descriptorPath(release.descriptor.sha256)
    const descriptor = await this.#try(`${path} of ${name}@${version}`, () =>
      readDescriptor(this.#repository.files, name, version, release),
    )
    this.#seen.versions++
    for (const chunk of descriptor ? chunksOf(descriptor) : []) {
      // Versions may list one chunk in two packings, of which the repository has one at most.
      const listing = `${chunk.sha256} ${wireBytes(chunk)}`
      if (this.#listings.has(listing)) continue
      this.#listings.add(listing)
      const at = chunkPath(chunk.sha256)
      await this.#try(`${at} of ${name}@${version}`, () => this.#chunk(at, chunk))
    }
    this.#onProgress({ checked: this.#seen.versions, total: this.#seen.total })
  }

  async #chunk(path: string, chunk: Chunk): Promise<void> {
    const isNew = !this.#chunks.has(chunk.sha256)
    this.#chunks.add(chunk.sha256)
    const stored = await this.#read(path)
    if (isNew) this.#seen.bytes += stored.length
    await decodeChunk(stored, chunk)
  }

  async #read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#repository.files.read(path)
    if (bytes) return bytes
    throw missingPart(path)
  }

  async #try<T>(where: string, check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check()
    } catch (error) {
      this.#problems.push(problemOf(where, error))
      return undefined
    }
  }
}

/** @throws what is no refusal of ours: a bug, or a disk that fails. */
export function problemOf(where: string, error: unknown): Problem {
  if (error instanceof AfieldError) return { where, code: error.code, message: error.message }
  throw error
}

function unknownTarget(role: string, target: string): AfieldError {
  return new AfieldError(
    'manifest/invalid',
    `The role ${role} lists ${target}, which is neither a model index nor a rollout. No device looks at it.`,
  )
}
