import type { Contract } from './contract/contract.js'
import type { Output, Outputs, OutputValue } from './contract/outputs.js'
import {
  graphFields,
  type GraphField,
  type RecordDtype,
  type RecordInput,
  type RecordValue,
} from './contract/record.js'
import { AfieldError } from './errors.js'

type EncodedData = Float32Array | Float64Array | Int32Array | BigInt64Array

type ValueOutput = Extract<Output, { kind: 'value' }>

/** A tensor without a runtime: what the engine hands to onnxruntime and takes from it. */
export interface PlainTensor {
  readonly dtype: string
  readonly dims: readonly number[]
  readonly data: ArrayLike<number | bigint | boolean | string>
}

export interface EncodedTensor extends PlainTensor {
  readonly dtype: RecordDtype
  readonly data: EncodedData
}

/**
 * Refuses a record that does not fit the contract.
 *
 * @throws AfieldError `input/invalid` naming the field. The message never holds the value.
 */
export function checkRecord(contract: Contract, record: RecordValue): void {
  const input = recordInput(contract)
  checkShape(input, record)
  for (const field of graphFields(input.fields)) encodeAs(input.dtype, field, record)
}

/**
 * Turns N records into the graph's input tensors, in field order: one tensor [N, fields], or one [N, 1] a field.
 *
 * @throws AfieldError `input/invalid` naming the field of the first record that does not fit the contract. The
 *   message never holds the value.
 */
export function encodeRecords(
  contract: Contract,
  records: readonly RecordValue[],
): Readonly<Record<string, EncodedTensor>> {
  const input = recordInput(contract)
  const { dtype, tensor } = input
  const fields = graphFields(input.fields)
  for (const record of records) checkShape(input, record)
  if (tensor !== undefined) return { [tensor]: encodeColumns(dtype, fields, records) }
  return Object.fromEntries(
    fields.map((field) => [field.tensor ?? field.name, encodeColumns(dtype, [field], records)]),
  )
}

function encodeColumns(
  dtype: RecordDtype,
  fields: readonly GraphField[],
  records: readonly RecordValue[],
): EncodedTensor {
  const data = allocate(dtype, records.length * fields.length)
  let at = 0
  for (const record of records) {
    for (const field of fields) {
      const value = encodeAs(dtype, field, record)
      if (data instanceof BigInt64Array) data[at++] = BigInt(value)
      else data[at++] = value
    }
  }
  return { dtype, dims: [records.length, fields.length], data }
}

/** Reads N answers out of the graph's output tensors. */
export function decodeOutputs(
  contract: Contract,
  tensors: Readonly<Record<string, PlainTensor>>,
  rows: number,
): readonly Outputs[] {
  return Array.from({ length: rows }, (_, row) => {
    const outputs: Record<string, OutputValue> = {}
    for (const output of contract.outputs) {
      if (output.kind === 'value') outputs[output.name] = readValue(tensors, output, row, rows)
      else if (output.kind === 'decision')
        outputs[output.name] =
          readValue(tensors, decidedBy(contract, output.of), row, rows) >= output.threshold
      else throw unsupported(`outputs of kind "${output.kind}"`)
    }
    return outputs
  })
}

/** @throws AfieldError `platform/unsupported` where the contract takes something else. */
export function recordInput({ input }: Contract): RecordInput {
  if (input.kind === 'record') return input
  throw unsupported(`inputs of kind "${input.kind}"`)
}

function unsupported(what: string): AfieldError {
  return new AfieldError('platform/unsupported', `This version of Afield does not run ${what}.`)
}

/** Found by name, not among the outputs that were read: a decision may stand before its value. */
function decidedBy({ outputs }: Contract, name: string): ValueOutput {
  const value = outputs.find((output) => output.kind === 'value' && output.name === name)
  if (value?.kind === 'value') return value
  throw new AfieldError('descriptor/invalid', `The contract has no value output "${name}" to decide by.`)
}

function readValue(
  tensors: Readonly<Record<string, PlainTensor>>,
  output: ValueOutput,
  row: number,
  rows: number,
): number {
  const tensor = tensors[output.tensor]
  const columns = tensor ? tensor.data.length / rows : 0
  const value = output.column < columns ? tensor?.data[row * columns + output.column] : undefined
  const number = typeof value === 'string' ? Number.NaN : Number(value)
  if (value === undefined || Number.isNaN(number)) {
    throw new AfieldError(
      'engine/run-failed',
      `The model gave no number for "${output.name}" (tensor "${output.tensor}", column ${output.column}).`,
      { details: { output: output.name } },
    )
  }
  return number
}

function checkShape(input: RecordInput, record: RecordValue): void {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new AfieldError('input/invalid', 'predict() takes a record: an object of field names and values.')
  }
  const names = Object.keys(record)
  if (names.length <= input.fields.length && names.every((name, i) => name === input.fields[i]?.name)) return
  const known = new Set(input.fields.map((field) => field.name))
  const unknown = names.find((name) => !known.has(name))
  if (unknown === undefined) return
  // An unknown name is the caller's own text, so it is quoted only when it is a plausible identifier.
  const shown = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(unknown) ? `"${unknown}"` : 'A field'
  throw new AfieldError(
    'input/invalid',
    `${shown} is not a field of this model. Its fields are: ${input.fields.map((field) => field.name).join(', ')}.`,
    { details: { problem: 'unknown' } },
  )
}

/** The number that stands for a field in the graph, refused where the tensor would hold another one. */
function encodeAs(dtype: RecordDtype, field: GraphField, record: RecordValue): number {
  // A field may be named like something that every object inherits.
  const value = encodeField(field, Object.hasOwn(record, field.name) ? record[field.name] : undefined)
  if (Number.isNaN(value)) return value
  if (dtype === 'float32' && !Number.isFinite(Math.fround(value))) {
    throw invalid(field, 'out-of-range', 'is too large for the model')
  }
  if (dtype === 'int32' && value !== (value | 0))
    throw invalid(field, 'out-of-range', 'is too large for the model')
  return value
}

function encodeField(field: GraphField, value: unknown): number {
  if (value === undefined || value === null) return missing(field)
  switch (field.type) {
    case 'boolean':
      if (typeof value !== 'boolean') throw invalid(field, 'mistyped', 'takes true or false')
      return value ? 1 : 0
    case 'enum': {
      if (typeof value !== 'string') throw invalid(field, 'mistyped', 'takes a text')
      const position = field.values.indexOf(value)
      if (position < 0)
        throw invalid(field, 'out-of-range', `takes one of: ${field.values.slice(0, 20).join(', ')}`)
      return position
    }
    case 'text':
      throw unsupported('text fields')
    case 'integer':
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw invalid(field, 'mistyped', 'takes a finite number')
      }
      if (field.type === 'integer' && !Number.isSafeInteger(value)) {
        throw invalid(field, 'mistyped', 'takes a whole number')
      }
      if (field.min !== undefined && value < field.min) throw invalid(field, 'out-of-range', rangeOf(field))
      if (field.max !== undefined && value > field.max) throw invalid(field, 'out-of-range', rangeOf(field))
      return value
  }
}

function missing(field: GraphField): number {
  if (field.missing === 'nan') return Number.NaN
  if (field.missing === 'reject') throw invalid(field, 'missing', 'is missing')
  return Number(field.missing.default)
}

function rangeOf(field: { readonly min?: number | undefined; readonly max?: number | undefined }): string {
  if (field.min === undefined) return `must be at most ${field.max}`
  if (field.max === undefined) return `must be at least ${field.min}`
  return `must be between ${field.min} and ${field.max}`
}

function invalid(field: GraphField, problem: string, rule: string): AfieldError {
  return new AfieldError('input/invalid', `"${field.name}" ${rule}.`, {
    details: { field: field.name, problem },
  })
}

function allocate(dtype: RecordDtype, length: number): EncodedData {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length)
    case 'float64':
      return new Float64Array(length)
    case 'int32':
      return new Int32Array(length)
    case 'int64':
      return new BigInt64Array(length)
  }
}
