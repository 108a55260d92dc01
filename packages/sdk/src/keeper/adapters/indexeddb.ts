import { AfieldError } from '@afield/protocol'
import { createStore, get, getMany, keys, type UseStore } from 'idb-keyval'
import type { KeyValueStore, Logger } from '../ports.js'
import { memoryStore } from './memory.js'

/** Major of everything stored. Raised when older code could no longer read it; each major has its own database. */
const FORMAT = 1

/**
 * Opens a store of the origin. Where the browser refuses IndexedDB (some private windows, storage blocked by
 * policy) the store lives in memory and every visit downloads anew.
 */
export async function openStore(namespace: string, room: string, log: Logger): Promise<KeyValueStore> {
  const use = createStore(`afield-${FORMAT}-${namespace}-${room}`, 'entries')
  try {
    await get('probe', use)
    return indexedDbStore(use)
  } catch (cause) {
    const error = storageError(cause)
    log(
      'warn',
      'This browser refuses to store anything, so models are kept in memory for this visit only.',
      error,
    )
    return memoryStore()
  }
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
    get: (key) => wrapped(get<unknown>(key, use)),
    getMany: (wanted) => wrapped(getMany<unknown>([...wanted], use)),
    keys: () => wrapped(keys<string>(use)),
    write: (changes) => wrapped(use('readwrite', (store) => writeAll(store, changes))),
  }
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
      'The browser has no room left for this site. Free some, or load a smaller model; what served before still does.',
      { cause },
    )
  }
  return new AfieldError('storage/unavailable', 'The browser did not read or write its storage.', { cause })
}
