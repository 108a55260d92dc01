import { DTYPES, type Contract, type ImageInput, type Input, type TensorsInput } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { describeTensor, type Graph, type GraphTensor } from '../../publish/graph.js'
import type { Table } from '../csv.js'
import { columnsOf } from './columns.js'
import { inferOutputs } from './outputs.js'
import {
  inferFieldByField,
  inferOneTensor,
  listed,
  MAX_FIELDS,
  takesFieldByField,
  takesOneRow,
  type InferredRecord,
  type Rows,
} from './record.js'

/** A contract made from what a graph and a CSV say. */
export interface Inferred {
  readonly contract: Contract
  /** Field of a record → its column of the CSV. */
  readonly columns: ReadonlyMap<string, number>
  /** What was guessed or left out, in sentences for the person who knows better. */
  readonly notes: readonly string[]
}

/**
 * Infers a contract: a record from [N, columns] or from inputs [N, 1], an image, a text, else tensors.
 *
 * @throws CliError `csv/mismatch` naming the column that fits nothing; `graph/unsupported` naming the input or output
 *   that no contract can hold; `contract/unclear` naming the dimension that nothing tells.
 */
export function inferContract(graph: Graph, table: Table | undefined, targets: readonly string[]): Inferred {
  if (graph.inputs.length === 0) {
    throw new CliError('graph/unsupported', 'The graph takes no input, so there is nothing to ask it.')
  }
  for (const input of graph.inputs) refuseUnheld(input)
  const outputs = inferOutputs(graph)
  const rows = table && rowsOf(table, targets)
  const notes = outputs.some((output) => 'labels' in output && output.labels !== undefined)
    ? [
        'What the graph gives is taken for scores of classes, which have no names there: class_0, class_1, … stand for ' +
          'their positions. Write the labels; or, if they are no classes, a value for each column.',
      ]
    : []
  const record = inferRecord(graph, rows)
  if (record) {
    return {
      contract: { input: record.input, outputs },
      columns: record.columns,
      notes: [...recordNotes(record, rows), ...notes],
    }
  }
  if (rows) throw noColumnFits(graph, rows)
  const input = inferOther(graph)
  return { contract: { input, outputs }, columns: new Map(), notes: [...notesOf(input), ...notes] }
}

function rowsOf(table: Table, targets: readonly string[]): Rows {
  for (const target of targets) {
    if (table.header.includes(target)) continue
    throw new CliError(
      'csv/mismatch',
      `--target names the column "${target}", and ${table.path} has: ${table.header.join(', ')}.`,
    )
  }
  return { path: table.path, columns: columnsOf(table), targets }
}

function inferRecord(graph: Graph, rows: Rows | undefined): InferredRecord | undefined {
  const [input] = graph.inputs
  if (input && takesOneRow(graph)) return inferOneTensor(input, rows)
  return takesFieldByField(graph) ? inferFieldByField(graph, rows) : undefined
}

function inferOther(graph: Graph): Input {
  const [input] = graph.inputs
  if (input && graph.inputs.length === 1) {
    if (input.dtype === 'string' && (input.shape?.length === 1 || input.shape?.[1] === 1)) {
      const layout = input.shape.length === 1 ? 'n' : 'n1'
      return {
        kind: 'text',
        form: 'string',
        tensor: input.name,
        layout,
        maxLength: 10_000,
        normalize: 'none',
      }
    }
    const image = inferImage(input)
    if (image) return image
  }
  return inferTensors(graph)
}

function inferImage({ name, dtype, shape }: GraphTensor): ImageInput | undefined {
  if (shape?.length !== 4 || (dtype !== 'float32' && dtype !== 'uint8' && dtype !== 'float16'))
    return undefined
  const [, second, third, last] = shape
  const layout = isChannels(second) ? 'nchw' : isChannels(last) ? 'nhwc' : undefined
  if (!layout) return undefined
  const [channels, height, width] = layout === 'nchw' ? [second, third, last] : [last, second, third]
  for (const [side, size] of [
    ['height', height],
    ['width', width],
  ] as const) {
    if (typeof size === 'number') continue
    throw new CliError(
      'contract/unclear',
      `"${name}" takes pictures of any ${side}${size === undefined ? '' : ` (${size})`}, and an app sends one size. Export it ` +
        'with the height and width that it was trained on, or write contract.input into afield.config.json.',
    )
  }
  return {
    kind: 'image',
    tensor: name,
    dtype,
    layout,
    color: channels === 1 ? 'gray' : 'rgb',
    height: Number(height),
    width: Number(width),
    fit: 'stretch',
    resample: 'bilinear',
    background: [0, 0, 0],
    mean: [0],
    std: [1],
  }
}

function noColumnFits({ inputs }: Graph, { path, columns }: Rows): CliError {
  const fixed = inputs.find(({ shape }) => shape?.length === 2 && typeof shape[0] === 'number')
  const why = fixed
    ? ` "${fixed.name}" takes exactly ${fixed.shape?.[0]} row(s) a run: export it with an open first dimension (PyTorch: ` +
      'dynamic_axes or dynamic_shapes), or leave the CSV out.'
    : ' Leave the CSV out.'
  return new CliError(
    'csv/mismatch',
    `${path} has the columns ${listed(columns)}, and no column fits: the graph takes ` +
      `${inputs.map(describeTensor).join('; ')}.${why}`,
  )
}

function isChannels(size: number | string | undefined): boolean {
  return size === 1 || size === 3
}

function inferTensors({ inputs }: Graph): TensorsInput {
  return {
    kind: 'tensors',
    batch: true,
    tensors: inputs.map(({ name, dtype, shape }) => ({
      name,
      dtype: DTYPES.find((known) => known === dtype) ?? 'float32',
      shape: (shape ?? [undefined]).map((size) => (typeof size === 'number' ? size : -1)),
    })),
  }
}

function refuseUnheld({ name, dtype }: GraphTensor): void {
  if (DTYPES.some((known) => known === dtype)) return
  const what = dtype === undefined ? 'a sequence or a map' : `of ${dtype}`
  throw new CliError(
    'graph/unsupported',
    `The input "${name}" is ${what}, which no device can fill. Export the model with tensors of ${DTYPES.join(', ')}.`,
  )
}

function recordNotes({ input, passedOver }: InferredRecord, rows: Rows | undefined): readonly string[] {
  const targets = rows?.targets ?? []
  const other = passedOver.filter((name) => !targets.includes(name))
  const enums = input.fields.filter((field) => field.type === 'enum' && field.dtype !== 'string')
  return [
    ...(rows || input.tensor === undefined
      ? []
      : ['The graph does not name its columns. Add a CSV with a header, and the fields get its names.']),
    ...(targets.length > 0 ? [`${targets.join(', ')}: what the model predicts, so it is no input.`] : []),
    ...other.map((name) => `The column "${name}" matches no input and is passed over.`),
    ...enums.map(
      ({ name }) =>
        `"${name}" reaches the graph as its position in alphabetical order. Change the order where training used another.`,
    ),
  ]
}

function notesOf(input: Input): readonly string[] {
  if (input.kind === 'image' && input.dtype !== 'uint8') {
    return [
      'The graph does not say how pixels were scaled: 0 to 1 is a guess. Write mean, std and scale as training used them.',
    ]
  }
  const wide = input.kind === 'tensors' && input.tensors.find(({ shape }) => (shape[1] ?? 0) > MAX_FIELDS)
  if (wide && wide.shape.length === 2) {
    return [
      `"${wide.name}" takes ${wide.shape[1]} columns, more than a form has fields, so it is given as a whole. If it is sound, ` +
        'write contract.input of the kind "audio".',
    ]
  }
  return []
}
