import { DTYPES, isBatch, type Contract, type Output } from '@afield/protocol'
import type { Graph, GraphTensor } from './graph.js'

/** What JavaScript reads as numbers. */
const NUMBERS: readonly (string | undefined)[] = DTYPES.filter((dtype) => dtype !== 'string')

/** What of a contract's outputs the graph does not give. */
export function outputProblems({ input, outputs }: Contract, graph: Graph): readonly string[] {
  const batched = input.kind !== 'tensors' || isBatch(input)
  return outputs.flatMap((output) =>
    output.kind === 'decision' || output.kind === 'band' ? [] : check(output, graph, batched),
  )
}

type Read = Exclude<Output, { kind: 'decision' | 'band' }>

function check(output: Read, graph: Graph, batched: boolean): readonly string[] {
  const problems: string[] = []
  const read = (tensor: string, dtypes: readonly (string | undefined)[]): GraphTensor | undefined => {
    const found = graph.outputs.find(({ name }) => name === tensor)
    if (!found) problems.push(`"${output.name}" reads the tensor "${tensor}", which the graph does not give`)
    else if (dtypes.includes(found.dtype)) return found
    else
      problems.push(
        `"${output.name}" reads "${tensor}", which is ${found.dtype ?? 'not a tensor'} and holds no plain ${dtypes.includes('string') ? 'values' : 'numbers'}${zipMapHint(found)}`,
      )
    return undefined
  }
  const columnsOf = (tensor: GraphTensor | undefined): number | undefined =>
    tensor && countColumns(tensor, batched)
  switch (output.kind) {
    case 'value': {
      const columns = columnsOf(read(output.tensor, NUMBERS))
      if (columns !== undefined && output.column >= columns) {
        problems.push(
          `"${output.name}" reads column ${output.column} of "${output.tensor}", which has ${columns} (counted from 0)`,
        )
      }
      return problems
    }
    case 'tensor':
      read(output.tensor, [...NUMBERS, 'string'])
      return problems
    case 'top-k': {
      const columns = columnsOf(read(output.tensor, NUMBERS))
      return [...problems, ...classProblems(output.name, output.tensor, columns, output.labels)]
    }
    case 'label': {
      const { name, tensor, scores, labels } = output
      const scored = scores ?? tensor
      const columns = columnsOf(read(scored, NUMBERS))
      if (scores !== undefined) read(tensor, [...NUMBERS, 'string'])
      else if (!labels) problems.push(`"${name}" has no labels for the scores in "${tensor}"`)
      return [...problems, ...classProblems(name, scored, columns, labels)]
    }
  }
}

function classProblems(
  name: string,
  tensor: string,
  columns: number | undefined,
  labels: readonly string[] | undefined,
): readonly string[] {
  return !labels || columns === undefined || columns === labels.length
    ? []
    : [`"${name}" has ${labels.length} labels, but "${tensor}" has ${columns} classes`]
}

/** Numbers an answer, where the graph says. */
function countColumns({ shape }: GraphTensor, batched: boolean): number | undefined {
  return (batched ? shape?.slice(1) : shape)?.reduce<number | undefined>(
    (product, dim) => (product !== undefined && typeof dim === 'number' ? product * dim : undefined),
    1,
  )
}

/** skl2onnx gives classifiers such an end unless it is told not to. */
function zipMapHint({ dtype }: GraphTensor): string {
  return dtype === undefined ? ' (of a scikit-learn classifier, export with zipmap: False)' : ''
}
