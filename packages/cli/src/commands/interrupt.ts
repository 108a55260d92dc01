import process from 'node:process'
import { AfieldError } from '@afield/protocol'

/**
 * Runs something that Ctrl-C stops in order; a second Ctrl-C ends the process at once.
 *
 * @param left what holds after it was stopped.
 * @throws AfieldError `aborted`.
 */
export async function interruptible<T>(left: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = (): void => controller.abort(new AfieldError('aborted', `Stopped. ${left}`))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    return await run(controller.signal)
  } catch (error) {
    // What was cut off reports that in its own words.
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
