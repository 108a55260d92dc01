import { seededRandom } from '../../../examples/fleet/random.js'
import type { Graph, Node } from './onnx.js'

const SIZE = 256
const PRODUCTS = 30

/**
 * Counts each `up_to` in steps of one, as many for all rows as the largest asks for: `counted[N,1] = from + up_to[N,1]`.
 * Around 3 µs a step.
 */
export const countsUp = (from = 0): Graph => ({
  name: 'counts-up',
  inputs: [{ name: 'up_to', dtype: 'int64', shape: ['N', 1] }],
  outputs: [{ name: 'counted', dtype: 'float32', shape: ['N', 1] }],
  weights: [{ name: 'from', dims: [], data: Float32Array.of(from) }],
  nodes: [
    { operator: 'ReduceMax', inputs: ['up_to'], outputs: ['steps'], attributes: { keepdims: 0 } },
    { operator: 'Cast', inputs: ['up_to'], outputs: ['as_float'], attributes: { to: 1 } },
    { operator: 'Sub', inputs: ['as_float', 'as_float'], outputs: ['zeros'] },
    { operator: 'Add', inputs: ['zeros', 'from'], outputs: ['start'] },
    {
      operator: 'Loop',
      inputs: ['steps', '', 'start'],
      outputs: ['counted'],
      attributes: {
        body: {
          name: 'step',
          inputs: [
            { name: 'i', dtype: 'int64' },
            { name: 'go_on', dtype: 'bool' },
            { name: 'before', dtype: 'float32', shape: ['N', 1] },
          ],
          outputs: [
            { name: 'goes_on', dtype: 'bool' },
            { name: 'after', dtype: 'float32', shape: ['N', 1] },
          ],
          nodes: [
            { operator: 'Identity', inputs: ['go_on'], outputs: ['goes_on'] },
            { operator: 'Less', inputs: ['i', 'up_to'], outputs: ['counts'] },
            { operator: 'Cast', inputs: ['counts'], outputs: ['one'], attributes: { to: 1 } },
            { operator: 'Add', inputs: ['before', 'one'], outputs: ['after'] },
          ],
        },
      },
    },
  ],
})

/** What {@link countsUp} answers, without counting. */
export const addsUp = (from = 0): Graph => ({
  name: 'adds-up',
  inputs: [{ name: 'up_to', dtype: 'int64', shape: ['N', 1] }],
  outputs: [{ name: 'counted', dtype: 'float32', shape: ['N', 1] }],
  weights: [{ name: 'from', dims: [], data: Float32Array.of(from) }],
  nodes: [
    { operator: 'Cast', inputs: ['up_to'], outputs: ['as_float'], attributes: { to: 1 } },
    { operator: 'Add', inputs: ['as_float', 'from'], outputs: ['counted'] },
  ],
})

/** Sums as many zeros as the largest `numbers` asks for, four bytes each, then answers `numbers[N,1]` again. */
export const fillsMemory: Graph = {
  name: 'fills-memory',
  inputs: [{ name: 'numbers', dtype: 'int64', shape: ['N', 1] }],
  outputs: [{ name: 'held', dtype: 'float32', shape: ['N', 1] }],
  weights: [{ name: 'one_dimension', dims: [1], data: BigInt64Array.of(1n) }],
  nodes: [
    { operator: 'ReduceMax', inputs: ['numbers'], outputs: ['most'], attributes: { keepdims: 0 } },
    { operator: 'Reshape', inputs: ['most', 'one_dimension'], outputs: ['shape'] },
    { operator: 'ConstantOfShape', inputs: ['shape'], outputs: ['zeros'] },
    { operator: 'ReduceSum', inputs: ['zeros'], outputs: ['zero'], attributes: { keepdims: 0 } },
    { operator: 'Cast', inputs: ['numbers'], outputs: ['as_float'], attributes: { to: 1 } },
    { operator: 'Add', inputs: ['as_float', 'zero'], outputs: ['held'] },
  ],
}

/** The square root of `x[N,1]`: NaN below zero. */
export const squareRoot: Graph = {
  name: 'square-root',
  inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 1] }],
  outputs: [{ name: 'root', dtype: 'float32', shape: ['N', 1] }],
  nodes: [{ operator: 'Sqrt', inputs: ['x'], outputs: ['root'] }],
}

/** Thirty products of matrices of 256 by 256 for each row of `x[N,1]`, 30 ms or more on one core, then their mean. */
export const multiplies: Graph = {
  name: 'multiplies',
  inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 1] }],
  outputs: [{ name: 'mean', dtype: 'float32', shape: ['N', 1] }],
  weights: [
    { name: 'start', dims: [SIZE, SIZE], data: noise(SIZE * SIZE, 1, 1, 1) },
    { name: 'matrix', dims: [SIZE, SIZE], data: noise(SIZE * SIZE, Math.sqrt(3 / SIZE), 2, 0) },
    { name: 'cube', dims: [3], data: BigInt64Array.of(-1n, 1n, 1n) },
    { name: 'column', dims: [2], data: BigInt64Array.of(-1n, 1n) },
  ],
  nodes: [
    { operator: 'Reshape', inputs: ['x', 'cube'], outputs: ['factor'] },
    { operator: 'Mul', inputs: ['factor', 'start'], outputs: ['product0'] },
    ...Array.from({ length: PRODUCTS }, (_, i): Node => ({
      operator: 'MatMul',
      inputs: [`product${i}`, 'matrix'],
      outputs: [`product${i + 1}`],
    })),
    { operator: 'Abs', inputs: [`product${PRODUCTS}`], outputs: ['sizes'] },
    {
      operator: 'ReduceMean',
      inputs: ['sizes'],
      outputs: ['means'],
      attributes: { axes: [1, 2], keepdims: 0 },
    },
    { operator: 'Reshape', inputs: ['means', 'column'], outputs: ['mean'] },
  ],
}

/** Numbers around `centre`, the same for the same seed. */
function noise(count: number, scale: number, seed: number, centre: number): Float32Array {
  const random = seededRandom(seed)
  return Float32Array.from({ length: count }, () => centre + (2 * random() - 1) * scale)
}
