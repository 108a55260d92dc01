import { CliError } from '../../errors.js'

/** `required` of `total` keys must sign. */
export interface Threshold {
  readonly required: number
  readonly total: number
}

const MAX_KEYS = 16

/** @throws CliError `usage` unless the text is m/n with 1 ≤ m ≤ n ≤ 16, such as `2/3`. */
export function parseThreshold(text: string): Threshold {
  const [, required, total] = /^(\d{1,2})\/(\d{1,2})$/.exec(text) ?? []
  const threshold = { required: Number(required), total: Number(total) }
  if (threshold.required >= 1 && threshold.required <= threshold.total && threshold.total <= MAX_KEYS) {
    return threshold
  }
  throw new CliError('usage', `"${text}" is not a threshold such as 2/3: two of three keys must sign.`)
}
