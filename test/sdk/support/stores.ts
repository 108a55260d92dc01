import { AfieldError, type ErrorCode } from 'afield'
import type { DeviceStorage, KeyValueStore } from 'afield/node'

/** A store that takes no more, as a browser's does whose disk is full. */
export function refusingStore(store: KeyValueStore, code: ErrorCode = 'storage/quota'): KeyValueStore {
  return { ...store, write: () => Promise.reject(new AfieldError(code, 'No room.')) }
}

/** A store that gives back something else than it was given. */
export function distortingStore(store: KeyValueStore, distort: (value: unknown) => unknown): KeyValueStore {
  return {
    ...store,
    get: async (key) => distort(await store.get(key)),
    getMany: async (keys) => (await store.getMany(keys)).map(distort),
  }
}

/** One bit turned in bytes; anything else as it is. */
export function flipBit(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value
  const bytes = value.slice()
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes
}

/**
 * The storage of a device that dies as a killed tab does: with the first write that `isLast`, which is done or not,
 * and from then on nothing it asks for is ever answered.
 */
export function mortalStorage(
  { state, blobs }: DeviceStorage,
  isLast: (changes: ReadonlyMap<string, unknown>) => boolean,
  when: 'after' | 'before' = 'after',
): { readonly storage: DeviceStorage; readonly death: Promise<void> } {
  let dead = false
  let die: () => void = () => undefined
  const death = new Promise<void>((resolve) => (die = resolve))
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) return new Promise(() => undefined)
    const result = await work()
    return dead ? new Promise(() => undefined) : result
  }
  const mortal = (store: KeyValueStore): KeyValueStore => ({
    kind: store.kind,
    get: (key) => alive(() => store.get(key)),
    getMany: (keys) => alive(() => store.getMany(keys)),
    keys: () => alive(() => store.keys()),
    write: (changes) =>
      alive(async () => {
        dead = isLast(changes)
        if (!dead || when === 'after') await store.write(changes)
        if (dead) die()
      }),
  })
  return { storage: { state: mortal(state), blobs: mortal(blobs) }, death }
}
