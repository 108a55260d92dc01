import { createDevice, memoryStorage, type Device, type DeviceStorage } from 'afield/node'

type Clock = NonNullable<Parameters<typeof createDevice>[0]['clock']>

/** A device whose storage outlives it: it can be killed at any moment and started again on what it had written. */
export interface MortalDevice {
  readonly device: Device
  /** Counts handed to the keeper are durable; from now on nothing of this life happens any more. */
  kill(): void
}

/** Starts a life of a device on its storage. */
export function startLife(
  storage: DeviceStorage,
  options: Omit<Parameters<typeof createDevice>[0], 'storage' | 'clock' | 'fetch'>,
): MortalDevice {
  let alive = true
  const unlessDead = <T>(work: () => Promise<T>): Promise<T> =>
    alive ? work() : new Promise<T>(() => undefined) // A dead device neither succeeds nor fails.
  const mortal = (store: DeviceStorage['state']): DeviceStorage['state'] => ({
    kind: store.kind,
    get: (key) => unlessDead(() => store.get(key)),
    getMany: (keys) => unlessDead(() => store.getMany(keys)),
    keys: () => unlessDead(() => store.keys()),
    write: (changes) => unlessDead(() => store.write(changes)),
  })
  const clock: Clock = {
    now: () => Date.now(),
    after: (ms, callback) => {
      const timer = setTimeout(() => alive && callback(), ms)
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
  const device = createDevice({
    ...options,
    storage: { state: mortal(storage.state), blobs: mortal(storage.blobs) },
    clock,
    fetch: (url, init) => unlessDead(() => fetch(url, init)),
  })
  return { device, kill: () => (alive = false) }
}

export { memoryStorage }
