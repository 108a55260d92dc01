import { RECORD_DTYPES, type Field, type RecordDtype, type RecordInput } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { describeTensor, type Graph, type GraphTensor } from '../../publish/graph.js'
import type { Column } from './columns.js'
import { bareName, contractName } from './names.js'

/** Names by which people call what a model predicts. */
const TARGET_NAMES = ['target', 'label', 'class', 'y', 'outcome']
/** As many as a contract's record has. */
export const MAX_FIELDS = 4096

export interface Rows {
  readonly path: string
  readonly columns: readonly Column[]
  /** Columns that hold what the model predicts. */
  readonly targets: readonly string[]
}

/** A record that was inferred, and where its fields' values stand in the CSV. */
export interface InferredRecord {
  readonly input: RecordInput
  readonly columns: ReadonlyMap<string, number>
  readonly passedOver: readonly string[]
}

/** True for graphs whose one input is [N, columns] of numbers that a record can fill. */
export function takesOneRow({ inputs }: Graph): boolean {
  const [input] = inputs
  if (inputs.length !== 1 || !input || !isDtype(input.dtype) || !isOpen(input)) return false
  const width = input.shape?.[1]
  return rankOf(input) === 2 && !(typeof width === 'number' && width > MAX_FIELDS)
}

/** True for graphs that take each field as an input of its own, [N, 1]. */
export function takesFieldByField({ inputs }: Graph): boolean {
  const fits = (input: GraphTensor): boolean =>
    (isDtype(input.dtype) || input.dtype === 'string' || input.dtype === 'bool') &&
    isOpen(input) &&
    rankOf(input) === 2 &&
    input.shape?.[1] === 1
  const lone = inputs.length === 1 && inputs[0]?.dtype === 'string'
  return inputs.length > 0 && !lone && inputs.every(fits)
}

/** @throws CliError `csv/mismatch` naming the column; `contract/unclear` where nothing says how many columns there are. */
export function inferOneTensor(input: GraphTensor, rows: Rows | undefined): InferredRecord {
  const dtype = dtypeOf(input)
  const width = input.shape?.[1]
  const wanted = typeof width === 'number' ? width : undefined
  const taken = new Set<string>()
  const name = (text: string): string => {
    const free = contractName(text, taken)
    taken.add(free)
    return free
  }
  if (!rows) {
    if (wanted === undefined) throw unclear(input)
    const type = isWhole(dtype) ? ('integer' as const) : ('number' as const)
    const fields = Array.from({ length: wanted }, (_, i) => ({
      name: `feature_${i}`,
      type,
      missing: 'reject' as const,
    }))
    return {
      input: { kind: 'record', tensor: input.name, dtype, fields },
      columns: new Map(),
      passedOver: [],
    }
  }
  const { used, passedOver } = chooseColumns(input, wanted, rows)
  const columns = new Map<string, number>()
  const fields = used.map((column): Field => {
    const field = fieldOf(column, name(column.name), dtype, input)
    columns.set(field.name, column.at)
    return field
  })
  return { input: { kind: 'record', tensor: input.name, dtype, fields }, columns, passedOver }
}

/** @throws CliError `csv/mismatch` naming the input that no column is called after. */
export function inferFieldByField(graph: Graph, rows: Rows | undefined): InferredRecord {
  const taken = new Set<string>()
  const columns = new Map<string, number>()
  const used = new Set<Column>()
  const fields = graph.inputs.map((input): Field => {
    const name = contractName(input.name, taken)
    taken.add(name)
    const column = rows && columnFor(input, graph, rows)
    if (column) {
      columns.set(name, column.at)
      used.add(column)
    }
    return ownField(input, name, column)
  })
  const passedOver = rows?.columns.filter((column) => !used.has(column)).map((column) => column.name) ?? []
  return { input: { kind: 'record', dtype: 'float32', fields }, columns, passedOver }
}

function chooseColumns(input: GraphTensor, wanted: number | undefined, { path, columns, targets }: Rows) {
  const features = columns.filter((column) => !targets.includes(column.name))
  const set = (list: readonly Column[]) => ({
    used: list,
    passedOver: columns.filter((column) => !list.includes(column)).map(({ name }) => name),
  })
  if (wanted === undefined || features.length === wanted) return set(features)
  const labels = features.filter(({ name }) => TARGET_NAMES.includes(name.toLowerCase()))
  if (features.length - labels.length === wanted)
    return set(features.filter((column) => !labels.includes(column)))
  const takes = `The graph takes ${wanted} column${wanted === 1 ? '' : 's'} in ${describeTensor(input)}`
  if (features.length < wanted) {
    throw new CliError(
      'csv/mismatch',
      `${takes}, and ${path} has ${features.length}: ${listed(features)}. Add what is missing after "${features.at(-1)?.name ?? ''}".`,
    )
  }
  const last = features.at(-1)?.name ?? ''
  throw new CliError(
    'csv/mismatch',
    `${takes}, and ${path} has ${features.length}: ${listed(features)}. Is "${last}" what the model predicts? Then name it: ` +
      `--target ${/^[\w-]+$/.test(last) ? last : JSON.stringify(last)}`,
  )
}

function columnFor(input: GraphTensor, graph: Graph, { path, columns }: Rows): Column {
  const found =
    columns.find(({ name }) => name === input.name) ??
    columns.find(({ name }) => bareName(name) === bareName(input.name))
  if (found) return found
  throw new CliError(
    'csv/mismatch',
    `${path} has no column "${input.name}". The graph takes ${graph.inputs.map(describeTensor).join('; ')}; ` +
      `the header has ${listed(columns)}.`,
  )
}

/** A column of a tensor that all fields share. */
function fieldOf(column: Column, name: string, dtype: RecordDtype, input: GraphTensor): Field {
  const { values, gaps } = column
  const missing = gaps && !isWhole(dtype) ? ('nan' as const) : ('reject' as const)
  switch (values.type) {
    case 'text':
      throw new CliError(
        'csv/mismatch',
        `The column "${column.name}" holds free text, and the graph takes numbers: ${describeTensor(input)}.`,
      )
    case 'enum':
      return { name, type: 'enum', values: [...values.values], missing }
    case 'boolean':
      return { name, type: 'boolean', missing }
    case 'number':
      if (isWhole(dtype)) {
        throw new CliError(
          'csv/mismatch',
          `The column "${column.name}" has fractions, and the graph takes whole numbers: ${describeTensor(input)}.`,
        )
      }
      return { name, type: 'number', missing, description: spread(values) }
    case 'integer':
      return { name, type: 'integer', missing, description: spread(values) }
  }
}

/** A field with a tensor of its own, whose type the graph knows best. */
function ownField(input: GraphTensor, name: string, column: Column | undefined): Field {
  const tensor = input.name
  const values = column?.values
  if (input.dtype === 'string') {
    return values?.type === 'enum'
      ? { name, tensor, type: 'enum', dtype: 'string', values: [...values.values], missing: 'reject' }
      : { name, tensor, type: 'text', maxLength: 10_000, missing: 'reject' }
  }
  if (input.dtype === 'bool') return { name, tensor, type: 'boolean', dtype: 'bool', missing: 'reject' }
  const dtype = dtypeOf(input)
  const own = column && fieldOf(column, name, dtype, input)
  const fallback = {
    name,
    type: isWhole(dtype) ? ('integer' as const) : ('number' as const),
    missing: 'reject' as const,
  }
  return { ...(own ?? fallback), tensor, dtype } as Field
}

function spread({ min, max }: { readonly min: number; readonly max: number }): string {
  return `${min} to ${max} in the CSV`
}

/** Columns by name, as far as a message has room. */
export function listed(columns: readonly Column[]): string {
  const names = columns.slice(0, 20).map(({ name }) => name)
  return columns.length > 20 ? `${names.join(', ')} and ${columns.length - 20} more` : names.join(', ')
}

function unclear(input: GraphTensor): CliError {
  return new CliError(
    'contract/unclear',
    `The graph does not say how many columns "${input.name}" has (${describeTensor(input)}). Add a CSV with its columns: afield dev MODEL.onnx rows.csv`,
  )
}

function isDtype(dtype: string | undefined): dtype is RecordDtype {
  return RECORD_DTYPES.some((known) => known === dtype)
}

function dtypeOf({ dtype }: GraphTensor): RecordDtype {
  return isDtype(dtype) ? dtype : 'float32'
}

function isWhole(dtype: RecordDtype): boolean {
  return dtype === 'int32' || dtype === 'int64'
}

/** Records are batched, so the first dimension has to be open. */
function isOpen({ shape }: GraphTensor): boolean {
  return typeof shape?.[0] !== 'number'
}

function rankOf({ shape }: GraphTensor): number | undefined {
  return shape?.length
}
