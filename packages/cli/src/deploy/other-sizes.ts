import { wireBytes } from '../repository/files/chunk-encoding.js'
import type { ListedChunks } from '../repository/read/listed-chunks.js'
import { CliError } from '../errors.js'
import { contentOf } from './parts.js'

/** Bytes by path. */
export interface Sizes {
  readonly local: ReadonlyMap<string, number>
  readonly remote: ReadonlyMap<string, number>
}

/**
 * The files named by their hash that a target has in another size than this repository: cut, changed, or a chunk in
 * another packing than the signed descriptors list. Those are to be replaced. A chunk that they list as the target has
 * it stays, and so does one that they do not list at all: somebody else's.
 *
 * @throws CliError `repository/damaged` for a chunk that this repository packs otherwise than they list it.
 */
export async function contentToReplace(
  { local, remote }: Sizes,
  listed: ListedChunks,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const path of contentOf(local.keys()).flat()) {
    const [mine, theirs] = [local.get(path), remote.get(path)]
    // NaN is the size of a file whose size the target does not tell.
    if (mine === undefined || theirs === undefined || Number.isNaN(theirs) || mine === theirs) continue
    if (!path.startsWith('chunks/') || (await listsMine(path, mine, theirs, listed))) found.push(path)
  }
  return found
}

async function listsMine(path: string, mine: number, theirs: number, listed: ListedChunks): Promise<boolean> {
  const sizes = (await listed(path.slice(path.lastIndexOf('/') + 1))).map(({ chunk }) => wireBytes(chunk))
  if (sizes.length === 0 || sizes.includes(theirs)) return false
  if (sizes.includes(mine)) return true
  throw new CliError(
    'repository/damaged',
    `${path} has ${mine} bytes here and ${theirs} at the target, and the descriptors list ${sizes[0]}. Restore it from a ` +
      'copy of the repository; nothing damaged is deployed.',
  )
}
