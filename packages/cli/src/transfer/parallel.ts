/** Does something for each item, at most `limit` at a time. The first failure stops the rest from starting. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failed) return
      try {
        await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await settled(Array.from({ length: Math.min(limit, items.length) }, worker))
}

/** Waits for all, so that nothing is still writing when a failure is reported. */
async function settled(workers: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(workers)) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}
