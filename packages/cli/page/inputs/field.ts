import { h } from '../dom.js'

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

/** A control with its label, a hint, and room for what is wrong with it. */
export interface LabelledField {
  readonly element: HTMLElement
  complain(message: string | undefined): void
}

export function labelled(control: Control, name: string, hint: string): LabelledField {
  // A tensor's name may have spaces, which part ids from each other.
  const id = `field-${encodeURIComponent(name)}`
  const error = h('p', { class: 'error', id: `${id}-error`, hidden: true })
  control.id = id
  control.name = name
  control.setAttribute('aria-describedby', `${id}-hint ${id}-error`)
  const label = h('label', { for: id }, name)
  const checkbox = control instanceof HTMLInputElement && control.type === 'checkbox'
  return {
    element: h(
      'div',
      { class: 'field' },
      ...(checkbox ? [h('div', { class: 'check' }, control, label)] : [label, control]),
      h('p', { class: 'hint', id: `${id}-hint` }, hint),
      error,
    ),
    complain(message) {
      error.hidden = message === undefined
      error.textContent = message ?? ''
      control.setAttribute('aria-invalid', String(message !== undefined))
    },
  }
}
