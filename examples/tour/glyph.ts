import { make } from './element.js'

/** A version is told by its shape as well as by its colour. */
type Shape = 'circle' | 'diamond' | 'triangle' | 'square'

const SHAPES: readonly Shape[] = ['circle', 'diamond', 'triangle', 'square']

/** The mark of a version: circle, diamond, triangle for 1.x, 2.x, 3.x, then squares; a ring for none. */
export function glyph(version: string | undefined): HTMLElement {
  return make('span', { class: 'glyph', 'data-shape': shapeOf(version), 'aria-hidden': 'true' })
}

export function setGlyph(element: HTMLElement, version: string | undefined): void {
  element.dataset['shape'] = shapeOf(version)
}

function shapeOf(version: string | undefined): Shape | 'none' {
  if (version === undefined) return 'none'
  return SHAPES[Number.parseInt(version, 10) - 1] ?? 'square'
}
