import {
  ContractSchema,
  createCodec,
  parseWith,
  recordKind,
  tensorsKind,
  type Codec,
  type Contract,
  type Outputs,
  type PlainTensor,
} from '@afield/protocol'
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

export function parseContract(value: unknown): Contract {
  return parseWith(ContractSchema, value, 'descriptor/invalid', 'The contract')
}

/** What a call throws is compared with: an input error about a field. */
export function inputError(field: string, problem: string) {
  return expect.objectContaining({ code: 'input/invalid', details: { field, problem } })
}

const KINDS = { record: recordKind, tensors: tensorsKind }

/** The codec of a contract for records or tensors. */
export function codecOf(contract: Contract): Promise<Codec> {
  const { kind } = contract.input
  if (kind !== 'record' && kind !== 'tensors') throw new Error(`no code for ${kind} in this test`)
  return createCodec(contract, KINDS[kind])
}

/** What the graph takes for some inputs in one run. */
export async function encode(
  contract: Contract,
  inputs: readonly unknown[],
): Promise<Readonly<Record<string, PlainTensor>>> {
  const codec = await codecOf(contract)
  return codec.encode(await Promise.all(inputs.map(async (input) => codec.prepare(input))))
}

/** The answers to inputs whose run gave these tensors. */
export async function decode(
  contract: Contract,
  results: Readonly<Record<string, PlainTensor>>,
  inputs: readonly unknown[],
): Promise<readonly Outputs[]> {
  const codec = await codecOf(contract)
  const prepared = await Promise.all(inputs.map(async (input) => codec.prepare(input)))
  return codec.decode(results, prepared).map(({ outputs }) => outputs)
}

/** The error that a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}
