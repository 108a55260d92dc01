/**
 * Writes `work(argument)` as one JavaScript expression, the one form that every automation protocol takes.
 *
 * @example
 * expressionOf((n: number) => n + 1, 2) // '…((n) => n + 1)(2)…'
 */
export function expressionOf(work: string | ((argument: never) => unknown), argument: unknown): string {
  if (typeof work === 'string') return work
  const literal = argument === undefined ? '' : JSON.stringify(argument)
  // tsx compiles inner functions to calls of a `__name` that pages do not have.
  return `(() => { const __name = (value) => value; return (${work.toString()})(${literal}) })()`
}
