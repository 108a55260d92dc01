import { make } from '../element.js'

export interface NumberField {
  readonly name: string
  readonly input: HTMLInputElement
  readonly slider: HTMLInputElement
  /** What stands there: a number, the text itself where it is none, `undefined` where nothing stands. */
  read(): unknown
}

export interface NumberFieldOptions {
  readonly name: string
  readonly value: number
  readonly max: number
  readonly onChange: () => void
}

/**
 * A number inside the program: typed freely, so that a wrong value reaches the model and is refused there; or
 * stepped with the arrow keys (with Shift by 10, with Alt by 0.1) and with a slider.
 */
export function numberField({ name, value, max, onChange }: NumberFieldOptions): NumberField {
  const input = make('input', {
    class: 'literal',
    inputmode: 'decimal',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: '8',
    role: 'spinbutton',
    'aria-label': name,
    'aria-valuemin': '0',
    'aria-valuemax': String(max),
    value: String(value),
  })
  const slider = make('input', {
    class: 'slider',
    type: 'range',
    min: '0',
    max: String(max),
    step: '1',
    'aria-label': `${name}, as a slider`,
    value: String(value),
  })

  const fit = (): void => {
    const typed = Number(input.value)
    if (input.value.trim() !== '' && Number.isFinite(typed)) {
      slider.value = String(typed)
      input.setAttribute('aria-valuenow', String(typed))
    } else input.removeAttribute('aria-valuenow')
    slider.style.setProperty('--filled', String(Number(slider.value) / max))
    input.style.width = `${Math.max(2, input.value.length)}ch`
  }
  const changed = (): void => {
    fit()
    onChange()
  }
  const put = (next: number): void => {
    input.value = String(Math.round(Math.min(max, Math.max(0, next)) * 10) / 10)
    changed()
  }

  input.addEventListener('input', changed)
  input.addEventListener('focus', () => input.select())
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
    event.preventDefault()
    const step = event.shiftKey ? 10 : event.altKey ? 0.1 : 1
    const from = Number(input.value)
    put((Number.isFinite(from) ? from : 0) + (event.key === 'ArrowUp' ? step : -step))
  })
  slider.addEventListener('input', () => put(Number(slider.value)))
  fit()
  return { name, input, slider, read: () => literal(input.value) }
}

function literal(text: string): unknown {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  const number = Number(trimmed)
  return Number.isNaN(number) ? trimmed : number
}
