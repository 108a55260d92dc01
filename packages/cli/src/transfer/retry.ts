import { setTimeout as sleep } from 'node:timers/promises'

/** A failure that may pass by itself. */
export class Transient extends Error {
  override readonly name = 'Transient'
}

export interface RetryOptions {
  /** Tries in all; 5 when left out. */
  readonly attempts?: number
  /** Before the second try, in ms; each later wait is twice as long. 200 when left out. */
  readonly firstDelayMs?: number
  readonly signal?: AbortSignal | undefined
}

/** Tries again after a {@link Transient}, waiting longer each time; the last one is thrown. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { attempts = 5, firstDelayMs = 200, signal }: RetryOptions,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Transient) || tried >= attempts) throw error
      // Half of the wait is random, so that parallel uploads do not come back all at once.
      const delay = firstDelayMs * 2 ** (tried - 1) * (0.5 + Math.random() / 2)
      await sleep(delay, undefined, signal ? { signal } : {})
    }
  }
}
