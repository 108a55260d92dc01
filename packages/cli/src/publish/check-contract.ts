import type { Contract, Input } from '@afield/protocol'
import { CliError } from '../errors.js'
import { outputProblems } from './check-outputs.js'
import { describeTensor, type Graph, type GraphTensor } from './graph.js'
import { wantedTensors, type WantedTensor } from './wanted-tensors.js'

/**
 * Checks that a contract and a graph speak of the same tensors: names, types, sizes, classes and state.
 *
 * @param file the graph's, for the message.
 * @throws CliError `contract/mismatch` with every problem, and what the graph has.
 */
export function checkContract(contract: Contract, graph: Graph, file?: string): void {
  const problems = [
    ...inputProblems(contract.input, graph),
    ...stateProblems(contract.input, graph),
    ...outputProblems(contract, graph),
  ]
  if (problems.length === 0) return
  throw new CliError(
    'contract/mismatch',
    `The contract does not fit the graph${file === undefined ? '' : ` of ${file}`}:\n  ${problems.join('\n  ')}\n` +
      `The graph takes ${graph.inputs.map(describeTensor).join('; ')}\n` +
      `and gives ${graph.outputs.map(describeTensor).join('; ')}.`,
  )
}

function inputProblems(input: Input, graph: Graph): readonly string[] {
  const wanted = wantedTensors(input)
  const problems = wanted.flatMap((tensor, i) => {
    const { name, who } = tensor
    const found = graph.inputs.find((one) => one.name === name)
    if (!found) return [`${who} names the tensor "${name}", which the graph does not take`]
    const twice = wanted.findIndex((one) => one.name === name) < i
    return twice
      ? [
          `two ${input.kind === 'record' ? 'fields' : 'of the contract'} fill the tensor "${name}"; each needs its own`,
        ]
      : tensorProblems(tensor, found, input.kind)
  })
  const idle = graph.inputs.filter(({ name }) => !wanted.some((tensor) => tensor.name === name))
  return [...problems, ...idle.map(({ name }) => `nothing fills the graph's input "${name}"`)]
}

function tensorProblems(
  { who, dtype: contractDtype, shape: sizes }: WantedTensor,
  { name, dtype, shape }: GraphTensor,
  kind: Input['kind'],
): readonly string[] {
  const problems: string[] = []
  if (dtype !== contractDtype) {
    problems.push(`"${name}" is ${dtype ?? 'not a tensor'}, but the contract's dtype is ${contractDtype}`)
  }
  if (!shape) return problems
  if (shape.length !== sizes.length) {
    const made = kind === 'record' ? 'records make [rows, columns]' : `the contract gives it ${sizes.length}`
    return [...problems, `"${name}" has ${shape.length} dimensions, but ${made}`]
  }
  for (const [at, size] of sizes.entries()) {
    const taken = shape[at]
    if (typeof taken !== 'number' || taken === size) continue
    problems.push(...sizeProblems(name, who, kind, { at, size, taken }))
  }
  return problems
}

function sizeProblems(
  name: string,
  who: string,
  kind: Input['kind'],
  { at, size, taken }: { at: number; size: WantedTensor['shape'][number]; taken: number },
): readonly string[] {
  if (size === 'batch') {
    // What takes one at a time is run one at a time; of records, there are always many.
    if (taken === 1 && kind !== 'record') return []
    return [
      `"${name}" takes exactly ${taken} row(s) a run; export it with an open first dimension, so that ${kind === 'record' ? 'records' : 'inputs'} can be batched`,
    ]
  }
  if (kind === 'record') return [`"${name}" takes ${taken} columns, but ${who} gives ${size}`]
  return [
    size === undefined
      ? `dimension ${at} of "${name}" is ${taken}, but the contract leaves it open`
      : `dimension ${at} of "${name}" is ${taken}, but the contract says ${size}`,
  ]
}

/** State goes in as it came out. */
function stateProblems(input: Input, graph: Graph): readonly string[] {
  if (input.kind !== 'tensors') return []
  return input.tensors.flatMap(({ name, state, dtype, shape }) => {
    if (state === undefined) return []
    const found = graph.outputs.find((one) => one.name === state)
    if (!found) return [`the state "${name}" comes from "${state}", which the graph does not give`]
    const sized = found.shape?.every((dim, i) => typeof dim !== 'number' || dim === shape[i]) ?? true
    const ranked = found.shape === undefined || found.shape.length === shape.length
    return found.dtype === dtype && sized && ranked
      ? []
      : [
          `the state "${name}" is ${dtype}[${shape.join(', ')}], but what it comes from is ${describeTensor(found)}`,
        ]
  })
}
