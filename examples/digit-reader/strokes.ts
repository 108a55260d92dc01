/** Of a unit square, from its upper left corner. */
export interface Point {
  readonly x: number
  readonly y: number
}

export type Stroke = readonly Point[]

/** Smaller than this, what is drawn is no longer enlarged to the full height: a dot stays a dot. */
const SMALLEST = 0.2

/**
 * Moves and enlarges strokes so that they fill the height of the square, or its width if they are wider, as every digit
 * of the training data does.
 *
 * @param margin to leave on each side, for half the width of a line.
 */
export function fillSquare(strokes: readonly Stroke[], margin: number): readonly Stroke[] {
  const points = strokes.flat()
  const [left, right] = rangeOf(points.map(({ x }) => x))
  const [top, bottom] = rangeOf(points.map(({ y }) => y))
  const scale = (1 - 2 * margin) / Math.max(right - left, bottom - top, SMALLEST)
  const place = ({ x, y }: Point): Point => ({
    x: 0.5 + scale * (x - (left + right) / 2),
    y: 0.5 + scale * (y - (top + bottom) / 2),
  })
  return strokes.map((stroke) => stroke.map(place))
}

function rangeOf(values: readonly number[]): readonly [from: number, to: number] {
  return [
    values.reduce((least, value) => Math.min(least, value), Infinity),
    values.reduce((most, value) => Math.max(most, value), -Infinity),
  ]
}
