import type { TextInput } from '@afield/protocol'
import { h } from '../dom.js'
import { labelled } from './field.js'
import type { InputView } from './input-view.js'

/** A box to type into. */
export function textInput({ maxLength, description }: TextInput): InputView {
  const control = h('textarea', { rows: 6 })
  const label = labelled(control, 'text', description ?? `up to ${maxLength.toLocaleString('en')} characters`)
  return {
    element: label.element,
    invitation: () => (control.value === '' ? 'Type something, then press Predict.' : undefined),
    read: () => control.value,
    show(example) {
      control.value = String(example)
    },
    keep: () => control.value,
    restore(kept) {
      if (typeof kept === 'string') control.value = kept
    },
    complain(problem) {
      label.complain(problem?.message)
      return problem !== undefined
    },
  }
}
