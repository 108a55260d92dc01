import { invalidInput } from '@afield/protocol'
import { checkSignal } from './deadline.js'

/** Options as somebody without TypeScript may give them. */
type Given = { readonly [name: string]: unknown; readonly signal?: AbortSignal } | null | undefined

/** @throws AfieldError `input/invalid`, field `options` or `signal`. */
export function checkOptions(options: unknown): void {
  if (options === null || (typeof options !== 'object' && options !== undefined)) {
    throw invalidInput('options', 'mistyped', 'takes an object, or nothing')
  }
  checkSignal((options as Given)?.signal)
}

/** @throws AfieldError `input/invalid`, field `name`, `options`, `signal`, `version` or `onProgress`. */
export function checkNamed(name: unknown, options: unknown): void {
  if (typeof name !== 'string') {
    throw invalidInput('name', 'mistyped', 'takes the name of a model, such as "learner-risk"')
  }
  checkOptions(options)
  const { version, onProgress } = (options ?? {}) as NonNullable<Given>
  if (version !== undefined && typeof version !== 'string') {
    throw invalidInput('version', 'mistyped', 'takes a version such as "1.0.0", an alias or "latest"')
  }
  if (onProgress !== undefined && onProgress !== null && typeof onProgress !== 'function') {
    throw invalidInput('onProgress', 'mistyped', 'takes a function that hears of the download')
  }
}
