import { multiplies } from '../../support/models/graphs.js'
import type { Graph, Node } from '../../support/models/onnx.js'

/** `y[N,1] = x[N,1] * by`; with `nan`, NaN where x is negative. */
export function scales(by: number, nan = false): Graph {
  const product: Node = { operator: 'Mul', inputs: ['x', 'by'], outputs: [nan ? 'product' : 'y'] }
  return {
    name: 'scales',
    inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 1] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 1] }],
    weights: [
      { name: 'by', dims: [], data: Float32Array.of(by) },
      { name: 'nought', dims: [], data: Float32Array.of(0) },
    ],
    nodes: nan
      ? [
          product,
          { operator: 'Sqrt', inputs: ['x'], outputs: ['root'] },
          { operator: 'Mul', inputs: ['root', 'nought'], outputs: ['nothing'] },
          { operator: 'Add', inputs: ['product', 'nothing'], outputs: ['y'] },
        ]
      : [product],
  }
}

/** Products of matrices, of which a GPU on the CPU makes one in the time of many on WASM. */
const PRODUCTS = 3

/** The same with `by` 2, and some ms of work for each row on one core. */
export const labours: Graph = {
  ...multiplies,
  outputs: scales(2).outputs,
  weights: [...(multiplies.weights ?? []), ...(scales(2).weights ?? [])],
  nodes: [
    ...multiplies.nodes.slice(0, 2 + PRODUCTS),
    { operator: 'Abs', inputs: [`product${PRODUCTS}`], outputs: ['sizes'] },
    ...multiplies.nodes.slice(-2),
    { operator: 'Mul', inputs: ['x', 'by'], outputs: ['product'] },
    { operator: 'Mul', inputs: ['mean', 'nought'], outputs: ['nothing'] },
    { operator: 'Add', inputs: ['product', 'nothing'], outputs: ['y'] },
  ],
}

/** The same with `by` 2, in a file of 8 MB. */
export const large: Graph = {
  ...scales(2),
  weights: [
    ...(scales(2).weights ?? []),
    { name: 'many', dims: [2_000_000], data: new Float32Array(2_000_000) },
  ],
  nodes: [
    { operator: 'Mul', inputs: ['x', 'by'], outputs: ['product'] },
    { operator: 'ReduceMax', inputs: ['many'], outputs: ['nothing'], attributes: { keepdims: 0 } },
    { operator: 'Add', inputs: ['product', 'nothing'], outputs: ['y'] },
  ],
}

export const SCALES_CONTRACT = {
  input: { kind: 'record', fields: [{ type: 'number', name: 'x', dtype: 'float32', tensor: 'x' }] },
  outputs: [{ kind: 'value', name: 'y', tensor: 'y' }],
} as const

export const SCALES_GOLDEN = [1, 2, 7].map((x) => ({ input: { x }, output: { y: 2 * x } }))
