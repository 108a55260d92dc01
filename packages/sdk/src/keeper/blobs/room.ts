import { AfieldError } from '@afield/protocol'
import type { Ports } from '../ports.js'
import type { Evictor } from './evict.js'
import { sumOf } from './files.js'
import { MAX_IN_MEMORY_BYTES, NO_ROOM } from './store.js'

/**
 * Looks whether so many bytes fit before the first of them is fetched, and makes room where they do not.
 *
 * @returns where they are to go: memory, for this visit, when the browser has no room left.
 * @throws AfieldError `storage/quota` when that would be unreasonably much.
 */
export async function findRoom(
  { blobs, quota, log }: Pick<Ports, 'blobs' | 'quota' | 'log'>,
  bytes: number,
  evictor: Evictor,
): Promise<'store' | 'memory'> {
  const fits = async (): Promise<boolean> => {
    if (blobs.kind === 'memory' && (await heldBytes(blobs)) + bytes > MAX_IN_MEMORY_BYTES) return false
    const estimate = await quota?.estimate()
    return !estimate || estimate.quotaBytes - estimate.usageBytes >= bytes
  }
  if ((await fits()) || (await evictor.makeRoom(fits))) return 'store'
  const error = new AfieldError('storage/quota', NO_ROOM, { details: { bytes } })
  const held = blobs.kind === 'memory' ? await heldBytes(blobs) : 0
  if (held + bytes > MAX_IN_MEMORY_BYTES) throw error
  log('warn', IN_MEMORY, error)
  return 'memory'
}

export const IN_MEMORY = 'The model could not be stored; it is kept in memory for this visit.'

/** What a store that is memory itself takes of it. */
async function heldBytes(blobs: Ports['blobs']): Promise<number> {
  const values = await blobs.getMany(await blobs.keys())
  return sumOf(values, (value) => (value instanceof Uint8Array ? value.length : 0))
}
