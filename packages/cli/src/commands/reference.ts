import { CliError } from '../errors.js'

/** A model and a version, as `MODEL@VERSION` names them; `undefined` where only the model is named. */
export function parseReference(text: string): {
  readonly model: string
  readonly version: string | undefined
} {
  const [model = '', version, ...rest] = text.split('@')
  if (rest.length === 0) return { model, version }
  throw new CliError('usage', `"${text}" has more than one @. Name a version such as ${model}@1.4.0.`)
}
