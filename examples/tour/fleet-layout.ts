/** One device to place: `bucket` is its place among 10,000, where the rollout's hash has put it. */
export interface Placeable {
  readonly key: string
  readonly bucket: number | undefined
  /** Bears a label, so the row above it is kept free too. */
  readonly labelled: boolean
}

export interface Spot {
  /** Pixels from the left edge to the dot's centre. */
  readonly x: number
  /** Row inside a lane, from 0. */
  readonly row: number
}

export interface Room {
  /** Pixels. */
  readonly width: number
  /** Pixels from one centre to the next, at the least. */
  readonly pitch: number
  readonly rows: number
}

const BUCKETS = 10_000
const USUAL_PITCH = 17
const SMALL_PITCH = 11
const MANY_DEVICES = 120
const LEAST_ROWS = 4
const MOST_ROWS = 14
/** A hash leaves gaps and heaps: this much more room than an even spread takes leaves few dots on each other. */
const SLACK = 1.5
/** Half the width of a label, in pitches. */
const LABEL_REACH = 1.5

/** How large the dots are and how many rows a lane has, for so many devices on so much room. */
export function roomFor(devices: number, width: number): Room {
  const pitch = devices > MANY_DEVICES ? SMALL_PITCH : USUAL_PITCH
  const needed = Math.ceil((devices * pitch * SLACK) / Math.max(1, width))
  return { width, pitch, rows: Math.min(MOST_ROWS, Math.max(LEAST_ROWS, needed)) }
}

/**
 * Where each device stands: across by its bucket, so that a canary's share is a stretch from the left; in the row
 * where it is in nobody's way. A device keeps its spot in every lane, so that taking another version moves it
 * straight up or down. Without buckets, devices stand at even distances.
 */
export function placeDevices(devices: readonly Placeable[], room: Room): ReadonlyMap<string, Spot> {
  const { width, pitch, rows } = room
  const span = Math.max(0, width - pitch)
  const across = devices
    .map(({ bucket, ...device }, i) => ({
      ...device,
      x: pitch / 2 + span * (bucket === undefined ? (i + 0.5) / devices.length : bucket / BUCKETS),
    }))
    .sort((a, b) => a.x - b.x)
  const labelledRow = Math.ceil((rows - 1) / 2)
  const labels = across.filter(({ labelled }) => labelled).map(({ x }) => x)
  const taken = (x: number, row: number): boolean =>
    (row === labelledRow || row === labelledRow - 1) &&
    labels.some((label) => Math.abs(x - label) < LABEL_REACH * pitch)

  const ends = Array.from({ length: rows }, () => Number.NEGATIVE_INFINITY)
  return new Map(
    across.map(({ key, x, labelled }) => {
      if (labelled) return [key, { x, row: labelledRow }]
      const row = freeRow(ends, x, pitch, taken)
      ends[row] = x
      return [key, { x, row }]
    }),
  )
}

/** The middle row where there is room, else the nearest one with room, else the one that is least crowded. */
function freeRow(
  ends: readonly number[],
  x: number,
  pitch: number,
  taken: (x: number, row: number) => boolean,
): number {
  const middle = (ends.length - 1) / 2
  const order = ends
    .map((_, row) => row)
    .filter((row) => !taken(x, row))
    .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))
  const free = order.find((row) => x - (ends[row] ?? 0) >= pitch)
  return (
    free ?? order.reduce((best, row) => ((ends[row] ?? 0) < (ends[best] ?? 0) ? row : best), order[0] ?? 0)
  )
}
