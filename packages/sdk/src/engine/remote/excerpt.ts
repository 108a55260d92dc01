/** UTF-16 units. */
const MAX_LENGTH = 200

/**
 * What a server says of its failure, from the `error` of the Open Inference Protocol: a piece of text for whoever looks
 * into it, to be shown as what it is. A server may quote what it was asked, so each number in it is masked, and `true` and
 * `false`, since these may be inputs; that of inputs with texts is not for here.
 *
 * @param body of a failed request, parsed.
 */
export function excerptOf(body: unknown): string | undefined {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  if (typeof error !== 'string') return undefined
  const masked = error
    .slice(0, 10 * MAX_LENGTH)
    // What is as long may be a token.
    .replace(/\S{32,}/g, '…')
    .replace(/[-+]?\.?\p{N}[\p{L}\p{N}.+-]*|\b(?:true|false|nan|inf|infinity)\b/giu, '…')
    // Nothing that breaks a line or turns a text around.
    .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim()
  if (masked === '') return undefined
  // Half of a character is none.
  const first = masked.slice(0, MAX_LENGTH).replace(/[\uD800-\uDBFF]$/, '')
  return first === masked ? masked : `${first}…`
}
