import type { Contract } from '../contract/contract.js'
import type { Outputs } from '../contract/outputs.js'
import {
  RecordInputSchema,
  graphFields,
  type Field,
  type GraphField,
  type RecordInput,
  type RecordValue,
} from '../contract/record.js'
import type { Dtype } from '../contract/tensors.js'
import { AfieldError } from '../errors.js'
import type { Feeds, InputEncoder, InputKindCode, PlainTensor } from './encoder.js'
import { invalidInput, unknownName } from './refuse.js'
import { allocate, isWellFormed } from './tensor.js'

type IdField = Extract<Field, { type: 'id' }>

/** A field and the type of the tensor that it goes into. */
interface Column {
  readonly field: GraphField
  readonly dtype: Dtype
}

/** A record as the graph sees it, in the order of its fields. */
interface PreparedRecord {
  readonly row: readonly (number | string)[]
  readonly ids: Outputs | undefined
}

/** Records: one tensor [N, fields] for all fields, or one [N, 1] a field. */
export const recordKind: InputKindCode<RecordInput> = {
  schema: RecordInputSchema,
  createEncoder: (input) => new RecordEncoder(input),
}

class RecordEncoder implements InputEncoder<PreparedRecord> {
  readonly #input: RecordInput
  readonly #columns: readonly Column[]
  readonly #ids: readonly IdField[]

  constructor(input: RecordInput) {
    this.#input = input
    this.#columns = graphFields(input.fields).map((field) => ({ field, dtype: dtypeOf(field, input) }))
    this.#ids = input.fields.filter((field) => field.type === 'id')
  }

  prepare(record: unknown): PreparedRecord {
    checkShape(this.#input.fields, record)
    const row = this.#columns.map(({ field, dtype }) => encodeAs(dtype, field, record))
    return { row, ids: this.#ids.length > 0 ? idsOf(this.#ids, record) : undefined }
  }

  rows(): number {
    return 1
  }

  encode(records: readonly PreparedRecord[]): Feeds {
    const { tensor, dtype } = this.#input
    if (tensor !== undefined) return { [tensor]: encodeColumns(dtype, records, 0, this.#columns.length) }
    return Object.fromEntries(
      this.#columns.map(({ field, dtype: own }, at) => [
        field.tensor ?? field.name,
        encodeColumns(own, records, at, at + 1),
      ]),
    )
  }

  passThrough({ ids }: PreparedRecord): Outputs | undefined {
    return ids
  }
}

/** @throws AfieldError `platform/unsupported` where the contract takes something else. */
export function recordInput({ input }: Pick<Contract, 'input'>): RecordInput {
  if (input.kind === 'record') return input
  throw new AfieldError(
    'platform/unsupported',
    `This is for models that take records, not for "${input.kind}".`,
  )
}

/** The type of the tensor that a field goes into. */
export function dtypeOf(field: GraphField, { dtype }: RecordInput): Dtype {
  return field.type === 'text' ? 'string' : (field.dtype ?? dtype)
}

function encodeColumns(
  dtype: Dtype,
  records: readonly PreparedRecord[],
  from: number,
  to: number,
): PlainTensor {
  const data = allocate(dtype, records.length * (to - from))
  let at = 0
  for (const { row } of records) {
    for (let column = from; column < to; column++) {
      const value = row[column] ?? 0
      if (Array.isArray(data)) data[at++] = String(value)
      else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[at++] = BigInt(value)
      else data[at++] = Number(value)
    }
  }
  return { dtype, dims: [records.length, to - from], data }
}

function checkShape(fields: readonly Field[], record: unknown): asserts record is RecordValue {
  if (typeof record !== 'object' || record === null || Array.isArray(record) || ArrayBuffer.isView(record)) {
    throw new AfieldError('input/invalid', 'predict() takes a record: an object of field names and values.', {
      details: { problem: 'mistyped' },
    })
  }
  const names = Object.keys(record)
  if (names.length <= fields.length && names.every((name, i) => name === fields[i]?.name)) return
  const known = new Set(fields.map((field) => field.name))
  const unknown = names.find((name) => !known.has(name))
  if (unknown !== undefined) throw unknownName(unknown, 'field', [...known])
}

/** A field may be named like something that every object inherits. */
function valueOf(record: RecordValue, name: string): unknown {
  return Object.hasOwn(record, name) ? (record[name] ?? undefined) : undefined
}

function idsOf(fields: readonly IdField[], record: RecordValue): Outputs {
  const ids: Record<string, string | number> = {}
  for (const { name, missing } of fields) {
    const value = valueOf(record, name)
    if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) ids[name] = value
    else if (value !== undefined) throw invalidInput(name, 'mistyped', 'takes a text or a number')
    else if (missing === 'reject') throw invalidInput(name, 'missing', 'is missing')
  }
  return ids
}

/** What stands for a field in the graph, refused where the tensor would hold something else. */
function encodeAs(dtype: Dtype, field: GraphField, record: RecordValue): number | string {
  const value = encodeField(field, valueOf(record, field.name))
  if (typeof value === 'string') return value
  // Of an enumeration in a string tensor, the text that has this position.
  if (dtype === 'string') return field.type === 'enum' ? (field.values[value] ?? '') : ''
  if (Number.isNaN(value)) return value
  const fits =
    dtype === 'float32' ? Number.isFinite(Math.fround(value)) : dtype !== 'int32' || value === (value | 0)
  if (!fits) throw invalidInput(field.name, 'out-of-range', 'is too large for the model')
  return value
}

function encodeField(field: GraphField, value: unknown): number | string {
  const { name } = field
  if (value === undefined) return missing(field)
  switch (field.type) {
    case 'boolean':
      if (typeof value !== 'boolean') throw invalidInput(name, 'mistyped', 'takes true or false')
      return value ? 1 : 0
    case 'enum': {
      if (typeof value !== 'string') throw invalidInput(name, 'mistyped', 'takes a text')
      const position = field.values.indexOf(value)
      if (position >= 0) return position
      throw invalidInput(name, 'out-of-range', `takes one of: ${field.values.slice(0, 20).join(', ')}`)
    }
    case 'text':
      if (typeof value !== 'string') throw invalidInput(name, 'mistyped', 'takes a text')
      if (value.length > field.maxLength) {
        throw invalidInput(name, 'too-large', `takes at most ${field.maxLength} characters`)
      }
      if (!isWellFormed(value))
        throw invalidInput(name, 'malformed', 'holds half a character (a lone UTF-16 surrogate) or a NUL')
      return value
    case 'integer':
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw invalidInput(name, 'mistyped', 'takes a finite number')
      }
      if (field.type === 'integer' && !Number.isSafeInteger(value)) {
        throw invalidInput(name, 'mistyped', 'takes a whole number')
      }
      if ((field.min !== undefined && value < field.min) || (field.max !== undefined && value > field.max)) {
        throw invalidInput(name, 'out-of-range', rangeOf(field))
      }
      return value
  }
}

function missing(field: GraphField): number | string {
  if (field.missing === 'nan') return Number.NaN
  if (field.missing === 'reject') throw invalidInput(field.name, 'missing', 'is missing')
  return field.missing.default
}

function rangeOf(field: { readonly min?: number | undefined; readonly max?: number | undefined }): string {
  if (field.min === undefined) return `must be at most ${field.max}`
  if (field.max === undefined) return `must be at least ${field.min}`
  return `must be between ${field.min} and ${field.max}`
}
