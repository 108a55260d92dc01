import type { Brand } from 'valibot'

/** A UTC day, YYYY-MM-DD. Nothing finer leaves a device. */
export type Day = string & Brand<'Day'>

/** The UTC day of a moment in milliseconds since 1970. */
export function dayOf(timestamp: number): Day {
  return new Date(timestamp).toISOString().slice(0, 10) as Day
}
