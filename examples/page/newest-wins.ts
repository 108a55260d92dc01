/**
 * Does work one at a time. Asked while some is under way, it does it once more afterwards, however often it was asked:
 * the work reads what is newest when it begins.
 *
 * @returns a function that resolves when nothing is left to do.
 */
export function newestWins(work: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined
  let again = false
  const run = async (): Promise<void> => {
    try {
      do {
        again = false
        await work()
      } while (again)
    } finally {
      underWay = undefined
    }
  }
  return () => {
    again = true
    underWay ??= run()
    return underWay
  }
}
