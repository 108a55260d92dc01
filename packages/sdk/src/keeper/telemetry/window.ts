import * as v from 'valibot'
import {
  CellSchema,
  DaySchema,
  OpsSchema,
  dayOf,
  listOf,
  mergeOps,
  positive,
  text,
  type Cell,
  type Day,
  type Ops,
} from '@afield/protocol'
import { understood } from '../understood.js'
import type { Observation, OpenCell } from './port.js'

const OpenCellSchema = v.object({ cell: CellSchema, day: DaySchema, ops: OpsSchema })

const WindowSchema = v.object({
  /** What is counted and not yet sealed, by cell and day. */
  cells: v.record(v.string(), OpenCellSchema),
  /** The last observation taken from each page's life, so that one told twice counts once. */
  taken: v.record(v.string(), v.object({ sequence: v.number(), day: DaySchema })),
  /** When the first of what is open was counted, in ms since 1970: a window is sealed by its age, over all visits. */
  openedAt: v.optional(v.number()),
})

/** The checkpoint: survives killed tabs, and becomes batches when it is sealed. */
export type Window = v.InferOutput<typeof WindowSchema>

const EMPTY: Window = { cells: {}, taken: {} }

const ObservationSchema = v.object({
  life: text(0, 100),
  sequence: positive,
  cells: listOf(OpenCellSchema, 0, 1000),
})

/** Whether an observation is what this version of the SDK counts; a page's mark may be of another. */
export function isObservation(value: unknown): value is Observation {
  return v.is(ObservationSchema, value)
}

export function readWindow(value: unknown): Window {
  return understood(WindowSchema, value) ?? EMPTY
}

/** The window with an observation added; unchanged when it was taken before. */
export function take(window: Window, { life, sequence, cells }: Observation, now: number): Window {
  if (sequence <= (window.taken[life]?.sequence ?? 0)) return window
  const sum: Record<string, OpenCell> = { ...window.cells }
  for (const open of cells) {
    const key = cellKey(open.cell, open.day)
    const held = sum[key]
    sum[key] = held ? { ...held, ops: mergeOps(held.ops, open.ops) } : open
  }
  const taken = { ...window.taken, [life]: { sequence, day: dayOf(now) } }
  return { cells: sum, taken, openedAt: window.openedAt ?? now }
}

function cellKey(cell: Cell, day: Day): string {
  return [day, cell.model, cell.version, cell.arm, cell.backend, cell.epoch, cell.step].join(' ')
}

/** What may leave now of a cell, and what stays for a fuller window. */
export interface Split {
  readonly send: Ops | undefined
  readonly keep: Ops | undefined
}

/**
 * Errors and the funnel leave however few they are; counts and latencies only from windows with at least `floor`
 * answers, so that a batch says nothing about one person's few minutes.
 */
export function splitByFloor(ops: Ops, floor: number): Split {
  if (ops.count >= floor) return { send: hasNews(ops) ? ops : undefined, keep: undefined }
  const send: Ops = { ...ops, count: 0, latency: {} }
  const keep: Ops = { count: ops.count, errors: {}, funnel: {}, latency: ops.latency }
  return { send: hasNews(send) ? send : undefined, keep: hasNews(keep) ? keep : undefined }
}

function hasNews(ops: Ops): boolean {
  return (
    ops.count > 0 ||
    [ops.errors, ops.funnel, ops.drops ?? {}].some((counts) =>
      Object.values(counts).some((count) => count > 0),
    )
  )
}
