import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { field, message } from './protobuf.js'

/** TensorProto.DataType. */
const ELEMENTS = { float32: 1, uint8: 2, int64: 7, string: 8, bool: 9, float16: 10, bfloat16: 16 } as const

/** What a graph takes or gives; `sequence` is a list of maps, as zipmap makes it. */
export interface Port {
  readonly name: string
  readonly dtype: keyof typeof ELEMENTS | 'sequence'
  readonly shape?: readonly (number | string)[]
}

export interface GraphParts {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Operators from the first input to the first output, one after the other. */
  readonly operators?: readonly (string | readonly [domain: string, operator: string])[]
  readonly opset?: number
  /** A tensor whose values lie in this file. */
  readonly external?: string
}

/** An ONNX file of a graph that is looked at, and that runs where its operators fit its ports. */
export async function writeGraph(dir: string, parts: GraphParts, name = 'model'): Promise<string> {
  const path = join(dir, `${name}.onnx`)
  await writeFile(path, graphBytes(parts))
  return path
}

export function graphBytes({ inputs, outputs, operators = ['Identity'], opset = 13, external }: GraphParts) {
  const nodes = operators.map((operator, i) => {
    const [domain, type] = typeof operator === 'string' ? ['', operator] : operator
    const from = i === 0 ? (inputs[0]?.name ?? '') : `t${i}`
    const to = i === operators.length - 1 ? (outputs[0]?.name ?? '') : `t${i + 1}`
    return message([field(1, from), field(2, to), field(4, type), field(7, domain)])
  })
  const weights =
    external === undefined
      ? []
      : [
          message([
            field(1, 4),
            field(2, 1),
            field(8, 'weights'),
            field(13, message([field(1, 'location'), field(2, external)])),
            field(14, 1),
          ]),
        ]
  const graph = message([
    ...nodes.map((bytes) => field(1, bytes)),
    field(2, 'graph'),
    ...weights.map((bytes) => field(5, bytes)),
    ...inputs.map((port) => field(11, valueInfo(port))),
    ...outputs.map((port) => field(12, valueInfo(port))),
  ])
  const opsets = [message([field(1, ''), field(2, opset)])]
  const own = operators.find((operator) => typeof operator !== 'string')
  if (own) opsets.push(message([field(1, own[0]), field(2, 1)]))
  return new Uint8Array(message([field(1, 8), field(7, graph), ...opsets.map((bytes) => field(8, bytes))]))
}

function valueInfo({ name, dtype, shape }: Port): Buffer {
  if (dtype === 'sequence') return message([field(1, name), field(2, message([field(4, message([]))]))])
  const dims = shape?.map((size) => field(1, message([field(typeof size === 'number' ? 1 : 2, size)])))
  const tensor = message([field(1, ELEMENTS[dtype]), ...(dims ? [field(2, message(dims))] : [])])
  return message([field(1, name), field(2, message([field(1, tensor)]))])
}
