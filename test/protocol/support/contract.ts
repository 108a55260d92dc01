import { parseContract, type Contract } from '@afield/protocol'
import { expect } from 'vitest'

/** A contract with these fields, encoded into one tensor `x`, and one output. */
export function contractOf(
  fields: readonly Readonly<Record<string, unknown>>[],
  input: Readonly<Record<string, unknown>> = { tensor: 'x' },
  outputs: readonly Readonly<Record<string, unknown>>[] = [SCORE],
): Contract {
  return parseContract({ input: { kind: 'record', ...input, fields }, outputs })
}

export const SCORE = { kind: 'value', name: 'score', tensor: 'y' } as const

/** What a call throws is compared with: an input error about a field. */
export function inputError(field: string, problem: string) {
  return expect.objectContaining({ code: 'input/invalid', details: { field, problem } })
}
