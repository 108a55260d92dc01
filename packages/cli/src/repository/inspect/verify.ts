import { readFile } from 'node:fs/promises'
import { AfieldError, RootSchema, TrustedManifest, canonicalBytes, parseMetadata } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { isMissing } from '../../read-file.js'
import { metadataPath } from '../files/layout.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import { listingRoles, openRepository, readTimestamp, type Repository } from '../read/open.js'
import { problemOf, walkContent, type Problem, type WalkProgress, type Walked } from './walk.js'

export interface VerifyOptions extends Pick<RepositoryLocation, 'repo' | 'files'> {
  /** The `root.json` that one trusts: what apps bundle, from somewhere else than the repository itself. */
  readonly root: string
  readonly now?: Date | undefined
  readonly onProgress?: (progress: WalkProgress) => void
}

export interface Verified extends Walked {
  /** The version of the repository; absent when its metadata cannot be trusted, and then nothing else was read. */
  readonly repositoryVersion: number | undefined
  readonly rootVersion: number | undefined
}

const NOTHING: Walked = { models: 0, versions: 0, chunks: 0, bytes: 0, problems: [] }

/**
 * Walks a whole repository as devices would, from nothing but a root: every role of the metadata and its expiry,
 * every index, rollout, descriptor and chunk. Needs no key.
 *
 * @returns every problem found, none for a repository that devices believe wholly.
 * @throws CliError `file/missing`, `repository/missing` where there is nothing to look at.
 * @example
 * const { problems } = await verify({ repo: 'afield-repo', root: 'app/root.json' })
 */
export async function verify(options: VerifyOptions): Promise<Verified> {
  const now = options.now ?? new Date()
  const files = openFiles(options)
  const trusted = await readRoot(options.root)
  await readTimestamp(files)
  let repository: Repository
  try {
    await refuseForeignRoot(trusted, files)
    repository = await openRepository(files)
  } catch (error) {
    const problems = [problemOf('metadata', error)]
    return { ...NOTHING, problems, repositoryVersion: undefined, rootVersion: undefined }
  }
  const expired = await expiredParts(repository, now)
  const walked = await walkContent(repository, options.onProgress ?? (() => undefined))
  return {
    ...walked,
    problems: [...expired, ...walked.problems],
    repositoryVersion: repository.snapshot.version,
    rootVersion: repository.root.version,
  }
}

async function readRoot(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    if (!isMissing(cause)) throw cause
    throw new CliError(
      'file/missing',
      `There is no root at ${path}. Name the one that apps bundle with --root.`,
      {
        cause,
      },
    )
  }
}

/** The chain of roots from the trusted one on has to be the repository's. */
async function refuseForeignRoot(
  trusted: Uint8Array<ArrayBuffer>,
  files: ReturnType<typeof openFiles>,
): Promise<void> {
  const manifest = await TrustedManifest.fromRoot(trusted)
  const { version } = parseMetadata(RootSchema, trusted, 'root.json').signed
  const own = await files.read(metadataPath('root', version))
  if (!own || !sameContent(own, trusted)) {
    throw new AfieldError(
      'manifest/signature',
      `The root that you trust (version ${version}) is not this repository's ${metadataPath('root', version)}. ` +
        'This is another repository, or somebody replaced its beginning.',
    )
  }
  for (let next = version + 1; ; next++) {
    const bytes = await files.read(metadataPath('root', next))
    if (!bytes) return
    await manifest.acceptRoot(bytes)
  }
}

/** However it is spaced: a bundler may have written the app's copy. */
function sameContent(a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [a, b].map((bytes) =>
    canonicalBytes(parseMetadata(RootSchema, bytes, 'root.json').raw),
  )
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0
}

async function expiredParts(repository: Repository, now: Date): Promise<readonly Problem[]> {
  const { root, snapshot, timestamp } = repository
  const parts: [string, { readonly expires: string }][] = [
    ['root', root],
    ['snapshot', snapshot],
    ['timestamp', timestamp],
  ]
  for (const name of await listingRoles(repository)) {
    const role = await repository.role(name).catch(() => undefined)
    // One that cannot be read is told of by the walk.
    if (role) parts.push([name, role])
  }
  const expired = parts.filter(([, { expires }]) => Date.parse(expires) <= now.getTime())
  return expired.map(([name, { expires }]) => ({
    where: `metadata/${name}.json`,
    code: 'manifest/expired',
    message: `It expired ${expires}. Devices keep serving what they have and take no news: run afield refresh.`,
  }))
}
