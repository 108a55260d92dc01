import { fillSquare, type Stroke } from './strokes.js'

/** Squares a side, as of the model's image. */
export const SIDE = 8

/** What is drawn: lines by hand, squares by keyboard. */
export interface Drawing {
  readonly strokes: readonly Stroke[]
  /** By number, row by row. */
  readonly squares: ReadonlySet<number>
}

/** Of the square's side; as bold as the training data's lines. */
const LINE = 1.5 / SIDE

/** Draws white on black as it was drawn. */
export function paint(canvas: HTMLCanvasElement, { strokes, squares }: Drawing): void {
  const { width: side } = canvas
  const context = contextOf(canvas)
  context.fillStyle = '#000'
  context.fillRect(0, 0, side, side)
  context.fillStyle = '#fff'
  const square = side / SIDE
  for (const at of squares) {
    context.fillRect((at % SIDE) * square, Math.floor(at / SIDE) * square, square, square)
  }
  Object.assign(context, { strokeStyle: '#fff', lineWidth: LINE * side, lineCap: 'round', lineJoin: 'round' })
  for (const stroke of strokes) {
    context.beginPath()
    for (const { x, y } of stroke) context.lineTo(x * side, y * side)
    const [only] = stroke
    // A line to itself is a dot.
    if (only && stroke.length === 1) context.lineTo(only.x * side, only.y * side)
    context.stroke()
  }
}

/** Draws as the model is to see it: lines fill the square, unless squares say where things are. */
export function paintForModel(canvas: HTMLCanvasElement, { strokes, squares }: Drawing): void {
  paint(canvas, { squares, strokes: squares.size > 0 ? strokes : fillSquare(strokes, LINE / 2) })
}

/** The mean of each square, which is what the contract's `resample: "box"` makes of a picture. */
export function paintMeans(small: HTMLCanvasElement, picture: HTMLCanvasElement): void {
  const block = picture.width / SIDE
  const { data } = contextOf(picture).getImageData(0, 0, picture.width, picture.height)
  const means = new ImageData(SIDE, SIDE)
  for (let at = 0; at < SIDE * SIDE; at++) {
    let sum = 0
    for (let y = 0; y < block; y++) {
      const row = (Math.floor(at / SIDE) * block + y) * picture.width + (at % SIDE) * block
      for (let x = 0; x < block; x++) sum += data[4 * (row + x)] ?? 0
    }
    const mean = Math.round(sum / block ** 2)
    means.data.set([mean, mean, mean, 255], 4 * at)
  }
  contextOf(small).putImageData(means, 0, 0)
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context) return context
  throw new Error('This browser draws nothing on canvases.')
}
