import { byId } from '../page/dom.js'
import { SIDE, paint, paintForModel, paintMeans } from './picture.js'
import type { Point } from './strokes.js'

const grid = byId('pad', HTMLElement)
const shown = byId('drawing', HTMLCanvasElement)
const seen = byId('seen', HTMLCanvasElement)
const clearButton = byId('clear', HTMLButtonElement)

/** What the model is given: `predict` takes a canvas. */
const picture = document.createElement('canvas')
picture.width = picture.height = 256

const STEPS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

let strokes: Point[][] = []
let squares = new Set<number>()
let active = 0
let tell: () => void = () => undefined
const cells = makeCells()

/** Calls back at every change of the drawing. */
export function onChange(listener: () => void): void {
  tell = listener
  grid.addEventListener('pointerdown', begin)
  grid.addEventListener('keydown', press)
  clearButton.addEventListener('click', clear)
  changed()
}

/** The drawing as the model is to see it; `undefined` when nothing is drawn. */
export function readDrawing(): HTMLCanvasElement | undefined {
  return isEmpty() ? undefined : picture
}

function begin(event: PointerEvent): void {
  if (event.button !== 0) return
  const stroke = [pointOf(event)]
  strokes.push(stroke)
  changed()
  const follow = (moved: PointerEvent): void => {
    if (moved.pointerId !== event.pointerId) return
    // Older Safari has no such thing.
    const passed = 'getCoalescedEvents' in moved ? moved.getCoalescedEvents() : []
    stroke.push(...(passed.length > 0 ? passed : [moved]).map(pointOf))
    changed()
  }
  const over = new AbortController()
  const { signal } = over
  const end = ({ pointerId }: PointerEvent): void => {
    if (pointerId === event.pointerId) over.abort()
  }
  grid.setPointerCapture(event.pointerId)
  grid.addEventListener('pointermove', follow, { signal })
  grid.addEventListener('pointerup', end, { signal })
  grid.addEventListener('pointercancel', end, { signal })
}

function press(event: KeyboardEvent): void {
  if (event.ctrlKey || event.altKey || event.metaKey) return
  const step = STEPS[event.key]
  if (step) {
    const clamp = (at: number): number => Math.min(SIDE - 1, Math.max(0, at))
    active = clamp((active % SIDE) + step[0]) + SIDE * clamp(Math.floor(active / SIDE) + step[1])
    showActive()
  } else if (event.key === ' ') {
    if (!squares.delete(active)) squares.add(active)
    changed()
  } else if (event.key === 'Delete' || event.key === 'Backspace') clear()
  else return
  event.preventDefault()
}

function clear(): void {
  strokes = []
  squares = new Set()
  changed()
}

function changed(): void {
  const drawing = { strokes, squares }
  paint(shown, drawing)
  paintForModel(picture, drawing)
  paintMeans(seen, picture)
  for (const [at, cell] of cells.entries()) cell.ariaSelected = String(squares.has(at))
  clearButton.disabled = isEmpty()
  tell()
}

function isEmpty(): boolean {
  return strokes.length === 0 && squares.size === 0
}

function pointOf({ clientX, clientY }: PointerEvent): Point {
  const { left, top, width, height } = grid.getBoundingClientRect()
  return { x: (clientX - left) / width, y: (clientY - top) / height }
}

/** The squares that a keyboard fills, as a screen reader finds them. */
function makeCells(): readonly HTMLElement[] {
  const all = Array.from({ length: SIDE }, (_, y) => {
    const row = part('row')
    row.append(
      ...Array.from({ length: SIDE }, (__, x) => {
        const cell = part('gridcell')
        cell.id = `square-${y * SIDE + x}`
        cell.ariaLabel = `Row ${y + 1}, column ${x + 1}`
        return cell
      }),
    )
    return row
  })
  grid.append(...all)
  showActive()
  return all.flatMap((row) => [...row.children] as HTMLElement[])
}

function part(role: 'row' | 'gridcell'): HTMLElement {
  const element = document.createElement('div')
  element.role = role
  return element
}

function showActive(): void {
  grid.querySelector('.active')?.classList.remove('active')
  grid.querySelector(`#square-${active}`)?.classList.add('active')
  grid.setAttribute('aria-activedescendant', `square-${active}`)
}
