import { graphFields, recordInput, type Contract, type Output, type RecordInput } from '@afield/protocol'
import { CliError } from '../errors.js'
import { describeTensor, type Graph, type GraphTensor } from './graph.js'

/** What an output may be: a type whose elements JavaScript reads as numbers. */
const READABLE = [
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
]

/**
 * Checks that a contract and a graph speak of the same tensors: names, types and column counts.
 *
 * @throws CliError `contract/mismatch` with every problem, and what the graph has.
 */
export function checkContract(contract: Contract, graph: Graph): void {
  const problems = [
    ...inputProblems(recordInput(contract), graph),
    ...outputProblems(contract.outputs, graph),
  ]
  if (problems.length === 0) return
  throw new CliError(
    'contract/mismatch',
    `The contract does not fit the graph:\n  ${problems.join('\n  ')}\n` +
      `The graph takes ${graph.inputs.map(describeTensor).join('; ')}\n` +
      `and gives ${graph.outputs.map(describeTensor).join('; ')}.`,
  )
}

function inputProblems({ tensor, dtype, fields: all }: RecordInput, graph: Graph): readonly string[] {
  const fields = graphFields(all)
  const wanted = new Map<string, { readonly who: string; readonly columns: number }>()
  const problems: string[] = []
  if (tensor !== undefined) wanted.set(tensor, { who: 'input.tensor', columns: fields.length })
  for (const field of tensor === undefined ? fields : []) {
    const name = field.tensor ?? field.name
    if (wanted.has(name)) problems.push(`two fields fill the tensor "${name}"; each needs its own`)
    wanted.set(name, { who: `the field "${field.name}"`, columns: 1 })
  }
  for (const [name, { who, columns }] of wanted) {
    const found = graph.inputs.find((input) => input.name === name)
    if (!found) problems.push(`${who} names the tensor "${name}", which the graph does not take`)
    else problems.push(...tensorProblems(found, dtype, columns, who))
  }
  for (const { name } of graph.inputs) {
    if (!wanted.has(name)) problems.push(`nothing fills the graph's input "${name}"`)
  }
  return problems
}

function tensorProblems(
  { name, dtype, shape }: GraphTensor,
  contractDtype: string,
  columns: number,
  who: string,
): readonly string[] {
  const problems: string[] = []
  if (dtype !== contractDtype) {
    problems.push(`"${name}" is ${dtype ?? 'not a tensor'}, but the contract's dtype is ${contractDtype}`)
  }
  if (!shape) return problems
  const [rows, width] = shape
  if (shape.length !== 2) {
    problems.push(`"${name}" has ${shape.length} dimensions, but records make [rows, columns]`)
  } else if (typeof width === 'number' && width !== columns) {
    problems.push(`"${name}" takes ${width} columns, but ${who} gives ${columns}`)
  }
  if (typeof rows === 'number') {
    problems.push(
      `"${name}" takes exactly ${rows} row(s) a run; export it with an open first dimension, so that records can be batched`,
    )
  }
  return problems
}

function outputProblems(outputs: readonly Output[], graph: Graph): readonly string[] {
  return outputs.flatMap((output) => {
    if (output.kind !== 'value') return []
    const found = graph.outputs.find(({ name }) => name === output.tensor)
    if (!found) return [`"${output.name}" reads the tensor "${output.tensor}", which the graph does not give`]
    if (!found.dtype || !READABLE.includes(found.dtype)) {
      return [
        `"${output.name}" reads "${found.name}", which is ${found.dtype ?? 'not a tensor'} and holds no plain numbers`,
      ]
    }
    const columns = columnsOf(found)
    return columns !== undefined && output.column >= columns
      ? [
          `"${output.name}" reads column ${output.column} of "${found.name}", which has ${columns} (counted from 0)`,
        ]
      : []
  })
}

/** Numbers a row, where the graph says. */
function columnsOf({ shape }: GraphTensor): number | undefined {
  return shape
    ?.slice(1)
    .reduce<number | undefined>(
      (product, dim) => (product !== undefined && typeof dim === 'number' ? product * dim : undefined),
      1,
    )
}
