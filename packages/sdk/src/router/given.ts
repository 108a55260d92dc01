import { asAfieldError } from '@afield/protocol'

/** Whether a closer look at a call's options finds fault with them; see `checkOptions`. */
export function isOdd(options: { readonly signal?: unknown } | null = {}): boolean {
  if (!options || typeof options !== 'object') return true
  // Without a signal, anything that can be listened to will do.
  return !((options.signal ?? globalThis) as EventTarget).addEventListener
}

/** Kinds of a model's name, a version and what hears of a download that need no closer look. */
const PLAIN = /^string(string|undefined)(function|undefined)$/

/** The same of a model's name and the options with it; see `checkNamed`. */
export function isOddNamed(
  name: unknown,
  options?: { readonly version?: unknown; readonly onProgress?: unknown; readonly signal?: unknown } | null,
): boolean {
  return isOdd(options) || !PLAIN.test(typeof name + typeof options?.version + typeof options?.onProgress)
}

/** A file of its own: what is asked now and then, and what looks closer. */
export const modelCalls = () => import('./model-calls.js').catch(partMissing)

/** @throws AfieldError `engine/unavailable` in the place of a file, such as after the app was deployed anew. */
export function partMissing(cause: unknown): never {
  throw asAfieldError(cause, 'engine/unavailable', 'A part of Afield could not be loaded')
}
