import { AfieldError } from '@afield/protocol'
import { createStore, promisifyRequest, type UseStore } from 'idb-keyval'
import type { KeyValueStore, Logger } from '../ports.js'
import { memoryStore } from './memory.js'

/**
 * Major of everything stored, and of the names of locks and channels. Raised when older code could no longer read it;
 * each major has its own databases.
 */
export const FORMAT = 1
/** Where newer code tells older code that its databases are no longer kept up. */
const FORMAT_KEY = 'format'

export interface Stores {
  readonly state: KeyValueStore
  readonly blobs: KeyValueStore
}

/**
 * Opens the stores of the origin. Where the browser refuses IndexedDB (some private windows, storage blocked by
 * policy), or a newer format was taken into use, they live in memory and every visit downloads anew.
 */
export async function openStores(namespace: string, log: Logger): Promise<Stores> {
  const state = databaseOf(FORMAT, namespace, 'state')
  const blobs = databaseOf(FORMAT, namespace, 'blobs')
  const opening = read(blobs, 'probe')
  // Not waited for where the other says why; it may be about to be deleted.
  opening.catch(() => undefined)
  try {
    const newest = await read(state, FORMAT_KEY)
    if (typeof newest === 'number' && newest > FORMAT) {
      log('warn', `A newer version of this app stores models in another format (${newest}). ${IN_MEMORY}`)
      return { state: memoryStore(), blobs: memoryStore() }
    }
    await opening
    return { state: indexedDbStore(state), blobs: indexedDbStore(blobs) }
  } catch (cause) {
    log('warn', `This browser refuses to store anything. ${IN_MEMORY}`, storageError(cause))
    return { state: memoryStore(), blobs: memoryStore() }
  }
}

const IN_MEMORY = 'Models are kept in memory for this visit.'

/**
 * Takes older majors out of use: their code runs in memory from now on, and their models are deleted as soon as no tab
 * has them open any more.
 */
export async function retireOlder(namespace: string): Promise<void> {
  const databases = (await indexedDB.databases?.()) ?? []
  for (const { name = '' } of databases) {
    const [, major, owner] = /^afield-(\d+)-(.+)-blobs$/.exec(name) ?? []
    if (owner !== namespace || Number(major) >= FORMAT) continue
    await write(databaseOf(Number(major), namespace, 'state'), new Map([[FORMAT_KEY, FORMAT]]))
    indexedDB.deleteDatabase(name)
  }
}

function databaseOf(major: number, namespace: string, room: 'state' | 'blobs'): UseStore {
  return createStore(`afield-${major}-${namespace}-${room}`, 'entries')
}

function indexedDbStore(use: UseStore): KeyValueStore {
  const wrapped = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      throw storageError(cause)
    }
  }
  return {
    kind: 'indexeddb',
    get: (key) => wrapped(read(use, key)),
    getMany: (keys) =>
      wrapped(use('readonly', (store) => Promise.all(keys.map((key) => promisifyRequest(store.get(key)))))),
    keys: async () =>
      (await wrapped(use('readonly', (store) => promisifyRequest(store.getAllKeys())))).map(String),
    write: (changes) => wrapped(write(use, changes)),
  }
}

function read(use: UseStore, key: string): Promise<unknown> {
  return use('readonly', (store) => promisifyRequest<unknown>(store.get(key)))
}

function write(use: UseStore, changes: ReadonlyMap<string, unknown>): Promise<void> {
  return use('readwrite', (store) => writeAll(store, changes))
}

function writeAll(store: IDBObjectStore, changes: ReadonlyMap<string, unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const { transaction } = store
    transaction.oncomplete = () => resolve()
    // A full disk shows as an abort whose own error is set; a failed request may show as either.
    transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'))
    transaction.onerror = () => reject(transaction.error ?? new Error('the transaction failed'))
    for (const [key, value] of changes) {
      const request = value === undefined ? store.delete(key) : store.put(value, key)
      request.onerror = () => reject(request.error ?? new Error('the request failed'))
    }
  })
}

function storageError(cause: unknown): AfieldError {
  if (cause instanceof AfieldError) return cause
  if (cause instanceof DOMException && cause.name === 'QuotaExceededError') {
    return new AfieldError(
      'storage/quota',
      'The browser has no room for this model. Free some disk space, or publish a smaller one; what served before ' +
        'still does.',
      {
        cause,
      },
    )
  }
  return new AfieldError('storage/unavailable', 'The browser did not read or write its storage.', { cause })
}
