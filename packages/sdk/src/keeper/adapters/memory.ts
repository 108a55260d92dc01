import { abortable } from '../../abort.js'
import type { Channel, Clock, KeyValueStore, Locks } from '../ports.js'

/** A store that lasts as long as the object: Node, tests, and browsers that refuse storage. */
export function memoryStore(): KeyValueStore {
  const entries = new Map<string, unknown>()
  return {
    kind: 'memory',
    get: (key) => Promise.resolve(entries.get(key)),
    getMany: (keys) => Promise.resolve(keys.map((key) => entries.get(key))),
    keys: () => Promise.resolve([...entries.keys()]),
    write: (changes) => {
      for (const [key, value] of changes) {
        if (value === undefined) entries.delete(key)
        else entries.set(key, value)
      }
      return Promise.resolve()
    },
  }
}

/** Mutual exclusion inside one thread, where nobody else shares the store. */
export function localLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>()
  return {
    hold(name, task, signal) {
      const before = tails.get(name) ?? Promise.resolve()
      // What gives up waiting is told at once; a task that runs ends by itself, as with `navigator.locks`.
      const run = abortable(before, signal).then(task)
      // A failed task must not fail the next one in line.
      tails.set(
        name,
        before.then(() => run).catch(() => undefined),
      )
      return run
    },
  }
}

/** Nobody else to tell. */
export function silentChannel(): Channel {
  return { post: () => undefined, subscribe: () => undefined, close: () => undefined }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
