import type { Field, RecordInput } from '@afield/protocol'
import { h } from '../dom.js'
import { labelled, type LabelledField } from './field.js'
import type { InputView } from './input-view.js'

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

interface FieldView {
  readonly field: Field
  readonly control: Control
  readonly label: LabelledField
}

/** A form with a control for each field. */
export function recordInput({ fields }: RecordInput): InputView {
  const views = fields.map((field): FieldView => {
    const control = controlOf(field)
    return { field, control, label: labelled(control, field.name, hintOf(field)) }
  })
  const write = (values: Readonly<Record<string, unknown>>): void => {
    for (const { field, control } of views) {
      const value = values[field.name]
      if (control instanceof HTMLInputElement && control.type === 'checkbox') control.checked = value === true
      else control.value = cellText(value)
    }
  }
  return {
    element: h('div', { class: 'fields' }, ...views.map(({ label }) => label.element)),
    invitation: () =>
      views.some(({ field, control }) => field.missing === 'reject' && textOf(control) === '')
        ? 'Fill in the fields, then press Predict.'
        : undefined,
    read: () =>
      Object.fromEntries(
        views.flatMap(({ field, control }) => {
          const value = valueOf(field, control)
          return value === undefined ? [] : [[field.name, value]]
        }),
      ),
    show: (example) => write(example as Readonly<Record<string, unknown>>),
    keep: () => Object.fromEntries(views.map(({ field, control }) => [field.name, textOf(control)])),
    restore(kept) {
      const texts = kept as Readonly<Record<string, string | boolean>>
      for (const { field, control } of views) {
        const text = texts[field.name]
        if (typeof text === 'boolean' && control instanceof HTMLInputElement) control.checked = text
        // A list may have lost the choice that was made.
        else if (
          typeof text === 'string' &&
          !(control instanceof HTMLSelectElement && !hasOption(control, text))
        ) {
          control.value = text
        }
      }
    },
    complain(problem) {
      for (const { field, label } of views) {
        label.complain(field.name === problem?.field ? problem.message : undefined)
      }
      return views.some(({ field }) => field.name === problem?.field)
    },
  }
}

/** The choice to give no value. */
function leftOut(): HTMLElement {
  return h('option', { value: '' }, '(left out)')
}

function controlOf(field: Field): Control {
  switch (field.type) {
    case 'boolean':
      return field.missing === 'reject'
        ? h('input', { type: 'checkbox' })
        : h(
            'select',
            {},
            leftOut(),
            h('option', { value: 'true' }, 'yes'),
            h('option', { value: 'false' }, 'no'),
          )
    case 'enum':
      return h(
        'select',
        {},
        field.missing !== 'reject' && leftOut(),
        ...field.values.map((value) => h('option', { value }, value)),
      )
    case 'text':
      return h('textarea', { rows: 2 })
    case 'id':
      return h('input', { type: 'text', autocomplete: 'off' })
    case 'integer':
    case 'number':
      return h('input', {
        type: 'number',
        inputmode: field.type === 'integer' && (field.min ?? -1) >= 0 ? 'numeric' : 'decimal',
        step: field.type === 'integer' ? 1 : 'any',
        min: field.min,
        max: field.max,
        autocomplete: 'off',
      })
  }
}

function valueOf(field: Field, control: Control): unknown {
  if (control instanceof HTMLInputElement && control.type === 'checkbox') return control.checked
  if (control.value === '') return undefined
  if (field.type === 'boolean') return control.value === 'true'
  return field.type === 'number' || field.type === 'integer' ? Number(control.value) : control.value
}

function textOf(control: Control): string | boolean {
  return control instanceof HTMLInputElement && control.type === 'checkbox' ? control.checked : control.value
}

/** A value of a record, which is a number, a boolean or a text. */
export function cellText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}

function hasOption(control: HTMLSelectElement, text: string): boolean {
  return [...control.options].some(({ value }) => value === text)
}

/** What a field takes, in words. */
export function hintOf(field: Field): string {
  const words = [field.type === 'enum' ? `one of ${field.values.length}` : NAMES[field.type]]
  if (field.type === 'number' || field.type === 'integer') {
    if (field.min !== undefined && field.max !== undefined) words.push(`${field.min} to ${field.max}`)
    else if (field.min !== undefined) words.push(`at least ${field.min}`)
    else if (field.max !== undefined) words.push(`at most ${field.max}`)
    if (field.unit !== undefined) words.push(field.unit)
  }
  if (field.missing !== 'reject') words.push('may be left out')
  if (field.description !== undefined) words.push(field.description)
  return words.join(' · ')
}

const NAMES = {
  boolean: 'yes or no',
  enum: 'one of a list',
  id: 'your own name for the record; comes back with the answer',
  integer: 'whole number',
  number: 'number',
  text: 'text',
} as const
