import type { RecordValue } from 'afield'
import { make } from '../element.js'
import { highlightSource } from '../highlight.js'
import { numberField, type NumberField } from './number-field.js'

const BEFORE = `import { createAfield } from 'afield'

const afield = createAfield({
  repository, root, telemetry,
  checkEveryMs: 5000,
})
const fallback = { answer: offerSupport }
const model = await afield.load(
  'learner-risk', { fallback },
)

const answer = await model.predict({`
const AFTER = '})'

/** The editor: the program that `device.ts` and `code.ts` run, with its two numbers open to change. */
export interface Program {
  /** The record as it stands in the editor. */
  record(): RecordValue
  /** Marks the field that the model refused; `undefined` clears the mark. */
  mark(field: string | undefined): void
}

export function mountProgram(root: HTMLElement, onChange: () => void): Program {
  const fields = [
    numberField({ name: 'hours_studied', value: 4, max: 60, onChange }),
    numberField({ name: 'quiz_score', value: 61, max: 100, onChange }),
  ]
  root.append(...lines(BEFORE), ...fields.map(fieldLine), ...lines(AFTER))
  return {
    record: () =>
      Object.fromEntries(
        fields.flatMap((field) => {
          const value = field.read()
          return value === undefined ? [] : [[field.name, value]]
        }),
      ),
    mark: (name) => {
      for (const field of fields) field.input.setAttribute('aria-invalid', String(field.name === name))
    },
  }
}

function lines(source: string): readonly HTMLElement[] {
  return source.split('\n').map((line) => make('div', { class: 'line' }, highlightSource(line)))
}

function fieldLine({ name, input, slider }: NumberField): HTMLElement {
  const code = make('span', { class: 'field' }, highlightSource(`  ${name}: `), input, ',')
  return make('div', { class: 'line line-field' }, code, slider)
}
