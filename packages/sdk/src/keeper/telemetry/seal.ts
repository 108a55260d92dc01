import * as v from 'valibot'
import { DaySchema, dayOf, type Batch, type BatchId, type Day } from '@afield/protocol'
import { understood } from '../understood.js'
import { MAX_AGE_MS } from './outbox.js'
import type { OpenCell, TelemetryOptions } from './port.js'
import { splitByFloor, type Window } from './window.js'

const DaysSchema = v.record(v.string(), DaySchema)

/** Which versions a device has told of on which day: its device-days, so that each is told once. */
export type Days = ReadonlyMap<string, Day>

export function readDays(value: unknown): Days {
  return new Map(Object.entries(understood(DaysSchema, value) ?? {}))
}

/** What sealing makes of a window. */
export interface SealedWindow {
  readonly batches: readonly Batch[]
  /** What is too little to be sent today and may become more. */
  readonly window: Window
  readonly days: Days
  /** Cells that did not become enough by the end of their day. */
  readonly withheld: number
}

/**
 * Turns a window into batches, one a cell.
 *
 * @param newId names a batch, for good.
 */
export function seal(
  { cells, taken }: Window,
  days: Days,
  { floor, sdk }: Pick<TelemetryOptions, 'floor' | 'sdk'>,
  now: number,
  newId: () => string,
): SealedWindow {
  const today = dayOf(now)
  const oldest = dayOf(now - MAX_AGE_MS)
  const told = new Map(days)
  const batches: Batch[] = []
  const kept: Record<string, OpenCell> = {}
  let withheld = 0
  for (const [key, open] of Object.entries(cells)) {
    const { cell, day } = open
    const { send, keep } = splitByFloor(open.ops, floor)
    if (keep && day >= today) kept[key] = { ...open, ops: keep }
    else if (keep) withheld += 1
    if (!send) continue
    const place = `${cell.model}@${cell.version} ${day}`
    const firstToday = !told.has(place)
    batches.push({ v: 1, id: newId() as BatchId, day, sdk, cell, firstToday, ops: send })
    told.set(place, day)
  }
  return {
    batches,
    window: {
      cells: kept,
      taken: Object.fromEntries(Object.entries(taken).filter(([, { day }]) => day >= oldest)),
      ...(Object.keys(kept).length > 0 ? { openedAt: now } : {}),
    },
    days: new Map([...told].filter(([, day]) => day >= oldest)),
    withheld,
  }
}
