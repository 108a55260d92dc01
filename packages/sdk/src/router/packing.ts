import type { Member } from './member.js'
import type { Pack } from './pack.js'

/** Questions in one message at most. */
const MAX_PACK = 1024
/** So many that wait are sent to an engine that still runs others, so that it need not wait for them then. */
const AHEAD = 256
/** The same, when whoever asks is done. */
export const REST = 64
/** A pack is so large that it takes about so many ms: what waits behind it can be given up, or go to another engine. */
const PACK_MS = 2000
/** Nor more than this share of the time that a run may take: all of it may share one. */
const SHARE_OF_LIMIT = 1 / 4
/** Before it is known how long one takes. */
const FIRST_PACK = 256
/** Packs that an engine has at most, the one that it runs among them. */
const MAX_HELD = 8

/** An engine, and what it has to do. */
export interface Seat {
  readonly member: Member
  /** In the order that they were sent and run in. */
  readonly held: Pack[]
  /** In all of them, still to be answered. */
  calls: number
  /** When the first of them began to run, at the earliest. */
  since: number
  /** When it was last seen to begin or to go on. */
  seen: number
  /** Anything, since it is here. */
  hasAnswered: boolean
  /** Takes nothing more, and ends when it has answered what it has. */
  isLeaving: boolean
}

/** What waits, and how it is looked at. */
export interface Waiting {
  readonly count: number
  /** Ms that a question takes in a pack, of late. */
  readonly eachMs: number | undefined
  /** What takes longer hangs. */
  readonly hungAfterMs: number
  /** Also what is less than a full pack is worth sending to an engine that runs others. */
  readonly isEager: boolean
}

/** The next pack to send: to an idle engine whatever waits, to the others what is worth it; parts even out what all do. */
export function nextPack(
  seats: readonly Seat[],
  { count, eachMs, hungAfterMs, isEager }: Waiting,
): { readonly seat: Seat; readonly count: number } | undefined {
  const staying = seats.filter(({ isLeaving }) => !isLeaving)
  const seat = freest(staying)
  if (!seat || count === 0) return undefined
  const most = mostInPack(eachMs, Math.min(PACK_MS, SHARE_OF_LIMIT * hungAfterMs))
  const packs = seat.held.length
  if (packs > 0) {
    // What waits when an engine begins with the last that it was sent need not be much.
    const inTurn = packs === 1 ? 1 : REST
    const enough = isEager ? inTurn : AHEAD
    if (count < enough || most < AHEAD || packs >= MAX_HELD) return undefined
  }
  const all = staying.reduce((sum, { calls }) => sum + calls, count)
  return { seat, count: Math.min(Math.ceil(all / staying.length) - seat.calls, most) }
}

function mostInPack(eachMs: number | undefined, packMs: number): number {
  if (eachMs === undefined) return FIRST_PACK
  return Math.max(1, Math.min(MAX_PACK, Math.floor(packMs / eachMs)))
}

/** That which has least to do; of the idle, that which was asked longest ago. */
function freest(seats: readonly Seat[]): Seat | undefined {
  let found: Seat | undefined
  for (const seat of seats) {
    const by = found ? seat.calls - found.calls || seat.since - found.since : -1
    if (by < 0) found = seat
  }
  return found
}
