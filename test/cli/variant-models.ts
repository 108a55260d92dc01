import { writeFile } from 'node:fs/promises'
import { toFloat16Bits } from '@afield/protocol'
import type { Layer } from './onnx-model.js'
import { field, message } from './protobuf.js'

/** TensorProto.DataType. */
const TYPES = { float32: 1, int8: 3, float16: 10, bfloat16: 16 } as const

/**
 * Writes one layer, `features[N, rows]` through MatMul and Tanh to `risk[N, columns]`, as converters do at a precision:
 * `float16` between casts; `int8` weights that are dequantised; `bfloat16` likewise, for which the CPU has no code.
 */
export async function writeVariant(path: string, layer: Layer, precision: 'float16' | 'int8' | 'bfloat16') {
  await writeFile(path, precision === 'int8' ? quantised(layer) : cast(layer, TYPES[precision]))
  return path
}

function cast(layer: Layer, to: number): Buffer {
  const bits = Uint16Array.from(layer.weights, to === TYPES.float16 ? toFloat16Bits : upperHalf)
  const bytes = new Uint8Array(bits.buffer)
  return model(
    layer,
    [
      node('Cast', ['features'], 'x', to),
      node('MatMul', ['x', 'w'], 'z'),
      node('Tanh', ['z'], 'y'),
      node('Cast', ['y'], 'risk', TYPES.float32),
    ],
    [tensor('w', to, [layer.rows, layer.columns], bytes)],
  )
}

function quantised(layer: Layer): Buffer {
  const scale = Math.max(...layer.weights.map(Math.abs)) / 127
  const bytes = new Uint8Array(Int8Array.from(layer.weights, (weight) => Math.round(weight / scale)).buffer)
  const scales = new Uint8Array(Float32Array.of(scale).buffer)
  return model(
    layer,
    [
      node('DequantizeLinear', ['q', 'scale'], 'w'),
      node('MatMul', ['features', 'w'], 'z'),
      node('Tanh', ['z'], 'risk'),
    ],
    [tensor('q', TYPES.int8, [layer.rows, layer.columns], bytes), tensor('scale', TYPES.float32, [], scales)],
  )
}

function model({ rows, columns }: Layer, nodes: readonly Buffer[], tensors: readonly Buffer[]): Buffer {
  const graph = message([
    ...nodes.map((bytes) => field(1, bytes)),
    field(2, 'layer'),
    ...tensors.map((bytes) => field(5, bytes)),
    field(11, valueInfo('features', rows)),
    field(12, valueInfo('risk', columns)),
  ])
  return message([field(1, 8), field(7, graph), field(8, message([field(1, ''), field(2, 13)]))])
}

function node(operator: string, inputs: readonly string[], output: string, to?: number): Buffer {
  const attribute = to === undefined ? [] : [field(5, message([field(1, 'to'), field(3, to), field(20, 2)]))]
  return message([...inputs.map((one) => field(1, one)), field(2, output), field(4, operator), ...attribute])
}

function tensor(name: string, type: number, dims: readonly number[], bytes: Uint8Array): Buffer {
  return message([...dims.map((dim) => field(1, dim)), field(2, type), field(8, name), field(9, bytes)])
}

function valueInfo(name: string, columns: number): Buffer {
  const dims = [message([field(2, 'N')]), message([field(1, columns)])]
  const shape = message(dims.map((dim) => field(1, dim)))
  return message([field(1, name), field(2, message([field(1, message([field(1, 1), field(2, shape)]))]))])
}

/** The bfloat16 below a float32. */
function upperHalf(value: number): number {
  return (new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0) >>> 16
}
