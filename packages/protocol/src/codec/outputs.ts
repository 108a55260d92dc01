import type { Contract } from '../contract/contract.js'
import type { Output, Outputs, OutputValue } from '../contract/outputs.js'
import { AfieldError } from '../errors.js'
import type { Feeds, PlainTensor } from './encoder.js'
import { activate, largest, type Activation } from './scores.js'
import { sizeOf, slice } from './tensor.js'

type Of<K extends Output['kind']> = Extract<Output, { kind: K }>

/** Which rows of a run an answer is read from; without `total`, the run was for this answer alone. */
export interface Rows {
  readonly from: number
  readonly count: number
  readonly total: number
}

type Read = (results: Feeds, rows: Rows) => OutputValue

/**
 * How the answers of a contract are read out of the graph's outputs.
 *
 * @param batched whether the outputs' first dimension is the rows of a batch; else all of them are one answer's.
 */
export function createDecoder(
  { outputs }: Pick<Contract, 'outputs'>,
  batched: boolean,
): (results: Feeds, rows: Rows) => Outputs {
  const readers = outputs.map((output) => [output.name, readerOf(output, outputs, batched)] as const)
  return (results, rows) => {
    const answer: Record<string, OutputValue> = {}
    for (const [name, read] of readers) answer[name] = read(results, rows)
    return answer
  }
}

/** Whether an answer is of one row: all but whole tensors are. */
export function answersOneRow({ outputs }: Pick<Contract, 'outputs'>): boolean {
  return outputs.some(({ kind }) => kind !== 'tensor')
}

function readerOf(output: Output, all: readonly Output[], batched: boolean): Read {
  switch (output.kind) {
    case 'value':
      return (results, rows) => readValue(output, results, rows)
    case 'decision': {
      const value = decidedBy(all, output.of)
      return (results, rows) => readValue(value, results, rows) >= output.threshold
    }
    case 'band': {
      const value = decidedBy(all, output.of)
      return (results, rows) => {
        const number = readValue(value, results, rows)
        const reached = output.bands.filter(({ from }) => from === undefined || number >= from)
        return reached.at(-1)?.label ?? ''
      }
    }
    case 'label':
      return (results, rows) => readLabel(output, results, rows)
    case 'top-k':
      return (results, rows) => readTopK(output, results, rows)
    case 'tensor':
      return (results, rows) => readTensorOutput(output, results, rows, batched)
  }
}

/** Found by name, not among the outputs that were read: a decision may stand before its value. */
function decidedBy(outputs: readonly Output[], name: string): Of<'value'> {
  const value = outputs.find((output) => output.kind === 'value' && output.name === name)
  if (value?.kind === 'value') return value
  throw new AfieldError('descriptor/invalid', `The contract has no value output "${name}" to decide by.`)
}

function readValue({ name, tensor, column }: Of<'value'>, results: Feeds, { from, total }: Rows): number {
  const data = results[tensor]?.data
  const columns = data ? data.length / total : 0
  const value = column < columns ? data?.[from * columns + column] : undefined
  const number = typeof value === 'string' ? Number.NaN : Number(value)
  if (value === undefined || Number.isNaN(number)) {
    throw runFailed(name, `gave no number for "${name}" (tensor "${tensor}", column ${column})`)
  }
  if (typeof value === 'bigint' && !Number.isSafeInteger(number)) {
    throw runFailed(name, `gave a number for "${name}" that needs all 64 bits: read it as a tensor`)
  }
  return number
}

function readLabel(output: Of<'label'>, results: Feeds, rows: Rows): OutputValue {
  const { name, tensor, scores: scoresTensor, labels, activation } = output
  const scores = scoresOf(name, results, scoresTensor ?? tensor, rows, activation)
  const [best = 0] = largest(scores, 1)
  if (scoresTensor === undefined)
    return { label: labelAt(name, labels, scores, best), score: scores[best] ?? 0 }
  const data = results[tensor]?.data
  const said = data?.[rows.from * (data.length / rows.total)]
  if (said === undefined) throw runFailed(name, `gave no class for "${name}" (tensor "${tensor}")`)
  if (typeof said === 'string' || !labels) {
    const at = labels?.indexOf(String(said)) ?? -1
    return { label: String(said), score: scores[at < 0 ? best : at] ?? 0 }
  }
  const at = Number(said)
  return { label: labelAt(name, labels, scores, at), score: scores[at] ?? 0 }
}

function readTopK(output: Of<'top-k'>, results: Feeds, rows: Rows): OutputValue {
  const { name, tensor, labels, k, activation } = output
  const scores = scoresOf(name, results, tensor, rows, activation)
  return largest(scores, k).map((at) => ({
    label: labelAt(name, labels, scores, at),
    score: scores[at] ?? 0,
  }))
}

function readTensorOutput(
  { name, tensor: from }: Of<'tensor'>,
  results: Feeds,
  rows: Rows,
  batched: boolean,
): OutputValue {
  const tensor = results[from]
  if (!tensor) throw runFailed(name, `gave no tensor "${from}"`)
  const { dtype, dims, data } = tensor
  if (!batched) return { dtype, dims, data: slice(tensor, 0, data.length) }
  const [first, ...rest] = dims
  if (first !== rows.total) {
    throw runFailed(name, `gave "${from}" for ${first ?? 'no'} rows, and was asked for ${rows.total}`)
  }
  const size = sizeOf(rest)
  const own = slice(tensor, rows.from * size, (rows.from + rows.count) * size)
  return { dtype, dims: [rows.count, ...rest], data: own }
}

/** The row's scores; none of them may be NaN, since nothing can be said of the others then. */
function scoresOf(
  name: string,
  results: Feeds,
  tensor: string,
  { from, total }: Rows,
  activation: Activation,
): readonly number[] {
  const data: PlainTensor['data'] = results[tensor]?.data ?? []
  const columns = data.length / total
  const raw = Array.from({ length: Math.floor(columns) }, (_, i) => {
    const value = data[from * columns + i]
    return typeof value === 'string' ? Number.NaN : Number(value)
  })
  const scores = activate(raw, activation)
  if (scores.length > 0 && Number.isInteger(columns) && !scores.some(Number.isNaN)) return scores
  throw runFailed(name, `gave no scores for "${name}" (tensor "${tensor}")`)
}

/** Classes and labels must be of one number, or every label could be another class's. */
function labelAt(
  name: string,
  labels: readonly string[] | undefined,
  scores: readonly number[],
  at: number,
): string {
  const label = labels ? labels[at] : String(at)
  if (labels && labels.length !== scores.length) {
    throw runFailed(name, `has ${scores.length} classes for "${name}", which has ${labels.length} labels`)
  }
  if (label !== undefined) return label
  throw runFailed(name, `gave a class for "${name}" that is none of its ${scores.length}`)
}

function runFailed(output: string, what: string): AfieldError {
  return new AfieldError('engine/run-failed', `The model ${what}.`, { details: { output } })
}
