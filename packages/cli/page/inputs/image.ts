import type { ImageInput } from '@afield/protocol'
import { h } from '../dom.js'
import type { InputView } from './input-view.js'

const PAD_SIDE = 280
const PEN = 18

/** A picture from a file, or drawn by hand. */
export function imageInput({ width, height, background }: ImageInput, changed: () => void): InputView {
  const file = h('input', { type: 'file', accept: 'image/*', id: 'field-image' })
  const pad = h('canvas', {
    class: 'pad',
    width: padSide(width, height),
    height: padSide(height, width),
    role: 'img',
    'aria-label': 'The picture that is asked about. Draw here, or choose a file.',
  })
  // What is not drawn on is transparent, and the model sees the contract's colour there.
  pad.style.background = `rgb(${background.join(' ')})`
  const ink = background.some((level) => level > 127) ? '#000' : '#fff'
  const clear = h('button', { type: 'button', class: 'quiet' }, 'Clear')
  const error = h('p', { class: 'error', hidden: true })
  const element = h(
    'div',
    { class: 'field drop' },
    pad,
    h('p', { class: 'actions' }, clear),
    h('label', { for: 'field-image' }, 'Or a file'),
    file,
    h('p', { class: 'hint' }, `any size; resized to ${width} × ${height}. Drop one here, too.`),
    error,
  )
  let chosen: File | undefined
  let drawn = false
  const context = pad.getContext('2d')
  const wipe = (): void => context?.clearRect(0, 0, pad.width, pad.height)

  const choose = async (picture: File): Promise<void> => {
    const bitmap = await createImageBitmap(picture)
    chosen = picture
    wipe()
    const scale = Math.min(pad.width / bitmap.width, pad.height / bitmap.height)
    const [w, h] = [bitmap.width * scale, bitmap.height * scale]
    context?.drawImage(bitmap, (pad.width - w) / 2, (pad.height - h) / 2, w, h)
    bitmap.close()
    changed()
  }
  const take = (picture: File | undefined): void => {
    if (!picture) return
    choose(picture).then(
      () => (error.hidden = true),
      () => {
        error.hidden = false
        error.textContent = `The browser cannot read ${picture.name} as a picture.`
      },
    )
  }
  file.addEventListener('change', () => take(file.files?.[0]))
  element.addEventListener('dragover', (event) => {
    event.preventDefault()
    element.dataset['over'] = ''
  })
  element.addEventListener('dragleave', () => delete element.dataset['over'])
  element.addEventListener('drop', (event) => {
    event.preventDefault()
    delete element.dataset['over']
    take(event.dataTransfer?.files[0])
  })
  clear.addEventListener('click', () => {
    chosen = undefined
    drawn = false
    file.value = ''
    wipe()
    changed()
  })
  drawOn(
    pad,
    context,
    ink,
    () => {
      if (chosen) wipe()
      chosen = undefined
      drawn = true
    },
    changed,
  )
  return {
    element,
    invitation: () => (chosen || drawn ? undefined : 'Draw something, or choose a picture.'),
    read: () => chosen ?? pad,
    show: () => undefined,
    keep: () => ({ chosen, drawn: drawn ? pad : undefined }),
    restore(kept) {
      const { chosen: file, drawn: before } = kept as { chosen?: File; drawn?: HTMLCanvasElement }
      if (file) return take(file)
      if (!before) return
      drawn = true
      context?.drawImage(before, 0, 0, pad.width, pad.height)
    },
    complain(problem) {
      error.hidden = problem === undefined
      error.textContent = problem?.message ?? ''
      return problem !== undefined
    },
  }
}

/** The longer side is always as long; the shorter stays wide enough for the pen. */
function padSide(side: number, other: number): number {
  return Math.max(2 * PEN, Math.round((PAD_SIDE * side) / Math.max(side, other)))
}

/** With mouse, pen or finger. */
function drawOn(
  pad: HTMLCanvasElement,
  context: CanvasRenderingContext2D | null,
  ink: string,
  begin: () => void,
  done: () => void,
): void {
  const at = (event: PointerEvent): readonly [number, number] => {
    const box = pad.getBoundingClientRect()
    return [
      ((event.clientX - box.left) / box.width) * pad.width,
      ((event.clientY - box.top) / box.height) * pad.height,
    ]
  }
  let drawing = false
  pad.addEventListener('pointerdown', (event) => {
    begin()
    drawing = true
    pad.setPointerCapture(event.pointerId)
    if (!context) return
    Object.assign(context, { lineWidth: PEN, lineCap: 'round', lineJoin: 'round', strokeStyle: ink })
    context.beginPath()
    context.moveTo(...at(event))
    context.lineTo(...at(event))
    context.stroke()
  })
  pad.addEventListener('pointermove', (event) => {
    if (!drawing || !context) return
    context.lineTo(...at(event))
    context.stroke()
  })
  const lift = (): void => {
    if (!drawing) return
    drawing = false
    done()
  }
  pad.addEventListener('pointerup', lift)
  pad.addEventListener('pointercancel', lift)
}
