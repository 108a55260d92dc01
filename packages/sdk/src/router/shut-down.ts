import type { AfieldError } from '@afield/protocol'
import type { OpenPage } from './open-page.js'

/** A keeper that cannot store the last counts in this time is ended without; the page's mark carries them. */
const FAREWELL_MS = 5000

/** From the page inwards: answers first, then their counts, then whoever stores those. */
export async function shutDown(page: OpenPage, closed: AfieldError): Promise<void> {
  const { engines, keeper, routes } = page
  const drained = [...routes.values()].map((route) => route.close(closed))
  await engines.close()
  await Promise.all(drained)
  if (keeper.isStarted) await sayFarewell(page, closed)
  page.leave()
}

async function sayFarewell(page: OpenPage, closed: AfieldError): Promise<void> {
  const { background, counting, keeper, marks } = page
  const patience = setTimeout(() => keeper.life.cut(closed), FAREWELL_MS)
  try {
    await keeper.life.hold(async () => {
      await counting.handOver()
      await keeper.remote.close()
    })
  } catch (cause) {
    background.complain(cause)
  } finally {
    clearTimeout(patience)
    // A trial that was under way is no death, and counts that found no storage wait for the next visit. A page that
    // goes from now on must not leave its mark once more.
    page.leave()
    marks.leave(counting.unconfirmed(true) ?? [])
    counting.close()
    keeper.end(closed)
  }
}
