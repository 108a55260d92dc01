import type { AfieldError, RecordValue } from 'afield'
import { byId } from '../page/dom.js'

/** A field of the model's contract: a number box and a slider that follow each other. */
interface Field {
  readonly name: string
  readonly label: string
  readonly box: HTMLInputElement
  readonly slider: HTMLInputElement
  readonly error: HTMLElement
}

const form = byId('form', HTMLFormElement)
const fields = [...form.querySelectorAll<HTMLElement>('.field')].map(fieldOf)

function fieldOf(element: HTMLElement): Field {
  const name = element.dataset['field'] ?? ''
  const slider = element.querySelector('input[type="range"]')
  if (!(slider instanceof HTMLInputElement)) throw new Error(`The field "${name}" has no slider.`)
  return {
    name,
    label: element.querySelector('label')?.textContent ?? name,
    box: byId(name, HTMLInputElement),
    slider,
    error: byId(`${name}-error`, HTMLElement),
  }
}

/** Calls back at every change of a value. */
export function onChange(listener: () => void): void {
  // Enter would send the form to a server that is not there.
  form.addEventListener('submit', (event) => event.preventDefault())
  for (const { box, slider } of fields) {
    box.addEventListener('input', () => {
      slider.value = box.value
      listener()
    })
    slider.addEventListener('input', () => {
      box.value = slider.value
      listener()
    })
  }
}

/** The record as it stands, unchecked: the model's contract says what is wrong with it. */
export function readRecord(): RecordValue {
  return Object.fromEntries(
    fields.map(({ name, box }) => [name, box.value === '' ? undefined : box.valueAsNumber]),
  )
}

export function clearErrors(): void {
  for (const field of fields) say(field, '')
}

/**
 * Shows an `input/invalid` at its field.
 *
 * @returns the sentence shown; `undefined` when the error names no field of this form.
 */
export function showError(error: AfieldError): string | undefined {
  clearErrors()
  const field = fields.find(({ name }) => name === error.details['field'])
  if (!field) return undefined
  const sentence = `${field.label} must be from ${field.box.min} to ${field.box.max}.`
  say(field, sentence)
  return sentence
}

function say({ box, error }: Field, sentence: string): void {
  box.setAttribute('aria-invalid', String(sentence !== ''))
  if (error.textContent !== sentence) error.textContent = sentence
}
