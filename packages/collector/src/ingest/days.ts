import { AfieldError, dayOf, type Day } from '@afield/protocol'

const DAY_MS = 86_400_000

/** Devices keep a batch for 35 days; one more for the clock that is not quite right. */
const OLDEST_BATCH_DAYS = 36

/** The first day a batch may be about, at a moment in milliseconds since 1970. */
export function oldestDay(now: number): Day {
  return dayOf(now - OLDEST_BATCH_DAYS * DAY_MS)
}

/**
 * Refuses a batch about a day that no device can honestly report now.
 *
 * @throws AfieldError `batch/invalid`
 */
export function checkDay(day: Day, now: number): void {
  const earliest = oldestDay(now)
  const latest = dayOf(now + DAY_MS)
  if (day >= earliest && day <= latest) return
  throw new AfieldError('batch/invalid', `The batch's day is not between ${earliest} and ${latest}.`, {
    details: { path: 'day' },
  })
}
