import { DTYPES, type Output } from '@afield/protocol'
import { CliError } from '../../errors.js'
import type { Graph, GraphTensor } from '../../publish/graph.js'
import { contractName } from './names.js'

const MAX_CLASSES = 100_000

/**
 * The outputs of a contract, as far as a graph tells: a value, a label with its score, or the tensor as it is.
 *
 * @throws CliError `graph/unsupported` naming the output that is no tensor, or of a type that no device reads.
 */
export function inferOutputs({ outputs }: Graph): Output[] {
  for (const output of outputs) refuseUnread(output)
  const pair = labelPair(outputs)
  const taken = new Set<string>()
  return outputs.flatMap((output): readonly Output[] => {
    if (output === pair?.scores) return []
    const name = contractName(output.name, taken)
    taken.add(name)
    return [output === pair?.label ? pairOf(name, pair) : outputOf(name, output)]
  })
}

interface LabelPair {
  readonly label: GraphTensor
  readonly scores: GraphTensor
}

/** As converters of scikit-learn name them: the class, and a column of scores for each. */
function labelPair(outputs: readonly GraphTensor[]): LabelPair | undefined {
  if (outputs.length !== 2) return undefined
  const label = outputs.find(
    (output) => (output.dtype === 'int64' || output.dtype === 'string') && columnsOf(output) === 1,
  )
  const scores = outputs.find((output) => output.dtype === 'float32' && output.shape?.length === 2)
  return label && scores ? { label, scores } : undefined
}

/** Without labels of its own, an answer names the class as the graph does. */
function pairOf(name: string, { label, scores }: LabelPair): Output {
  return { kind: 'label', name, tensor: label.name, scores: scores.name, activation: 'none' }
}

function outputOf(name: string, output: GraphTensor): Output {
  const tensor = output.name
  const columns = columnsOf(output)
  if (columns === 1 && output.dtype !== 'string') return { kind: 'value', name, tensor, column: 0 }
  const isScores = output.dtype === 'float32' && output.shape?.length === 2
  if (isScores && columns !== undefined && columns <= MAX_CLASSES) {
    return { kind: 'label', name, tensor, labels: classNames(columns), activation: 'none' }
  }
  return { kind: 'tensor', name, tensor }
}

function classNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `class_${i}`)
}

/** Numbers a row of [N] and [N, columns]; `undefined` of other shapes and where the graph does not say. */
function columnsOf({ shape }: GraphTensor): number | undefined {
  if (shape?.length === 1) return 1
  const width = shape?.length === 2 ? shape[1] : undefined
  return typeof width === 'number' ? width : undefined
}

function refuseUnread({ name, dtype }: GraphTensor): void {
  if (DTYPES.some((known) => known === dtype)) return
  const message =
    dtype === undefined
      ? `The output "${name}" is a sequence or a map, which no device reads. Export without it: with skl2onnx, ` +
        "convert_sklearn(model, …, options={'zipmap': False}) gives a tensor of probabilities instead."
      : `The output "${name}" is of ${dtype}, which no device reads. Export the model with tensors of ${DTYPES.join(', ')}.`
  throw new CliError('graph/unsupported', message)
}
