import type { IncomingMessage } from 'node:http'

/**
 * Drops a `Range` that the file server would fail on or answer wrongly: one that ends before it begins, counts from the
 * end, or names several parts. The whole file is a right answer to each.
 */
export function dropOddRange({ headers }: IncomingMessage): void {
  const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  if (start !== undefined && (end === '' || Number(end) >= Number(start))) return
  delete headers.range
}
