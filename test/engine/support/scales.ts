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

export const SCALES_CONTRACT = {
  input: { kind: 'record', fields: [{ type: 'number', name: 'x', dtype: 'float32', tensor: 'x' }] },
  outputs: [{ kind: 'value', name: 'y', tensor: 'y' }],
} as const

export const SCALES_GOLDEN = [1, 2, 7].map((x) => ({ input: { x }, output: { y: 2 * x } }))
