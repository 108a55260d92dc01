import type { Batch, BatchId } from '@afield/protocol'
import { HttpError } from '../http-error.js'

/** Batches in one insert. */
const MAX_GROUP = 1_000

/** Batches that may wait; at about 16 KiB each this bounds the memory. */
const MAX_WAITING = 10_000

/** What became of a batch: both mean that it is on disk and counted once. */
export type Receipt = 'stored' | 'duplicate'

/** Writes what is not known yet, durably, and returns the ids that were known. */
export type WriteGroup = (batches: readonly Batch[]) => Promise<ReadonlySet<BatchId>>

interface Waiting {
  readonly batch: Batch
  readonly written: Promise<Receipt>
  readonly settle: (receipt: Receipt) => void
  readonly fail: (error: unknown) => void
}

/**
 * One insert at a time, of everything that arrived during the one before: an insert with fsync costs about the same
 * for one row as for a hundred. A failed group fails its own batches and none after them.
 */
export class WriteQueue {
  readonly #write: WriteGroup
  /** Waiting or being written, by id: a copy that arrives meanwhile shares the first one's fate. */
  readonly #unwritten = new Map<BatchId, Waiting>()
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(write: WriteGroup) {
    this.#write = write
  }

  /**
   * Resolves when the batch is on disk.
   *
   * @throws HttpError `ingest/overloaded` when too many wait; whatever the write threw.
   */
  async add(batch: Batch): Promise<Receipt> {
    const twin = this.#unwritten.get(batch.id)
    if (twin) {
      await twin.written
      return 'duplicate'
    }
    if (this.#waiting.length >= MAX_WAITING) {
      throw new HttpError(503, 'ingest/overloaded', 'Too many batches are waiting to be written.', 30)
    }
    const entry = waiting(batch)
    this.#unwritten.set(batch.id, entry)
    this.#waiting.push(entry)
    this.#running ??= this.#run()
    return entry.written
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.slice(0, MAX_GROUP)
      this.#waiting = this.#waiting.slice(MAX_GROUP)
      await this.#writeGroup(group)
    }
    this.#running = undefined
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const known = await this.#write(group.map((entry) => entry.batch))
      for (const entry of group) entry.settle(known.has(entry.batch.id) ? 'duplicate' : 'stored')
    } catch (error) {
      for (const entry of group) entry.fail(error)
    } finally {
      for (const entry of group) this.#unwritten.delete(entry.batch.id)
    }
  }
}

function waiting(batch: Batch): Waiting {
  let settle: Waiting['settle'] = () => {}
  let fail: Waiting['fail'] = () => {}
  const written = new Promise<Receipt>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  return { batch, written, settle, fail }
}
