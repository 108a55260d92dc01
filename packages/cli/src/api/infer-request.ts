import type { Input, RecordInput } from '@afield/protocol'
import { inputTensors, type TensorMetadata } from './open-inference.js'

interface RequestTensor extends TensorMetadata {
  readonly data: readonly unknown[]
}

/**
 * A golden vector's input as the Open Inference Protocol would send it; `undefined` where JSON cannot say it or what
 * stands between the input and the graph is more than a table.
 */
export function inferRequest(
  input: Input,
  given: unknown,
): { readonly inputs: readonly RequestTensor[] } | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  const values = given as Readonly<Record<string, unknown>>
  const inputs = input.kind === 'record' ? ofRecord(input, values) : ofTensors(input, values)
  return inputs && { inputs }
}

function ofRecord(
  input: RecordInput,
  record: Readonly<Record<string, unknown>>,
): readonly RequestTensor[] | undefined {
  const elements = input.fields.flatMap((field) => (field.type === 'id' ? [] : [element(field, record)]))
  if (elements.includes(undefined)) return undefined
  const tensors = inputTensors(input)
  if (input.tensor !== undefined) {
    return tensors.map((tensor) => ({ ...tensor, shape: [1, elements.length], data: elements }))
  }
  return tensors.map((tensor, i) => ({ ...tensor, shape: [1, 1], data: [elements[i]] }))
}

function element(
  field: Exclude<RecordInput['fields'][number], { type: 'id' }>,
  record: Readonly<Record<string, unknown>>,
): unknown {
  const value = Object.hasOwn(record, field.name) ? record[field.name] : undefined
  if (value === undefined || value === null) {
    return typeof field.missing === 'object' ? field.missing.default : undefined
  }
  if (field.type === 'boolean' && field.dtype !== 'bool') return value === true ? 1 : 0
  if (field.type === 'enum' && field.dtype !== 'string')
    return typeof value === 'string' ? field.values.indexOf(value) : undefined
  return value
}

function ofTensors(
  input: Input,
  values: Readonly<Record<string, unknown>>,
): readonly RequestTensor[] | undefined {
  if (input.kind !== 'tensors') return undefined
  const tensors = inputTensors(input).map((tensor) => {
    const value = values[tensor.name]
    return isTensor(value) ? { ...tensor, shape: value.dims, data: value.data } : undefined
  })
  return tensors.every((tensor) => tensor !== undefined) ? tensors : undefined
}

function isTensor(
  value: unknown,
): value is { readonly dims: readonly number[]; readonly data: readonly unknown[] } {
  if (typeof value !== 'object' || value === null) return false
  return 'dims' in value && Array.isArray(value.dims) && 'data' in value && Array.isArray(value.data)
}
