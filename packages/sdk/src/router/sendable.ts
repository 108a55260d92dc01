/** What of an input can be sent to an engine. */
export function toSendable(input: unknown): unknown {
  return input
}
