/** Whether a closer look at a call's options finds fault with them; see `checkOptions`. */
export function isOdd(options: { readonly signal?: unknown } | null = {}): boolean {
  if (!options || typeof options !== 'object') return true
  // Without a signal, anything that can be listened to will do.
  return !((options.signal ?? globalThis) as EventTarget).addEventListener
}

/** A file of its own: what is asked now and then, and what looks closer. */
export const modelCalls = () => import('./model-calls.js')
