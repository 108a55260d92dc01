import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as ort from 'onnxruntime-web/wasm'
import protobuf from 'protobufjs'
import digits from '../models/afield.config.json' with { type: 'json' }
import digitsGolden from '../models/digits-mlp.golden.json' with { type: 'json' }
import { seededRandom } from '../../examples/fleet/random.js'

/** 64 pixels → … → 10 probabilities; 38.2 MB of weights. */
const LAYERS = [64, 1536, 1536, 1536, 1536, 1536, 10]

export const LARGE_MLP = 'large-mlp'

export interface LargeMlp {
  /** The ONNX file; config and golden vectors lie beside it. */
  readonly file: string
  readonly bytes: number
  /** Bytes of the last layer's weights and biases, which `lastLayer` decides. */
  readonly lastLayerBytes: number
}

/**
 * Writes an untrained multi-layer perceptron of 38 MB that takes what the digits model takes. Weights are noise, which
 * no compression helps with. Two calls with another `lastLayer` differ in the last layer's weights alone.
 */
export async function writeLargeMlp(
  folder: string,
  { lastLayer }: { readonly lastLayer: number },
): Promise<LargeMlp> {
  const last = LAYERS.length - 2
  const layers = LAYERS.slice(1).map((width, i) => {
    const random = seededRandom(i === last ? 1000 + lastLayer : i)
    const from = LAYERS[i] ?? 0
    return {
      from,
      width,
      weights: noise(from * width, Math.sqrt(6 / from), random),
      biases: noise(width, 0.1, random),
    }
  })
  const bytes = encode(layers)
  const file = join(folder, `${LARGE_MLP}.onnx`)
  await writeFile(file, bytes)
  await writeFile(file.replace(/\.onnx$/, '.golden.json'), JSON.stringify([await goldenVector(bytes)]))
  const config = {
    ...digits,
    name: LARGE_MLP,
    card: { ...digits.card, type: 'Untrained multi-layer perceptron' },
  }
  await writeFile(join(folder, 'afield.config.json'), JSON.stringify(config))
  const { weights, biases } = layers[last] ?? { weights: [], biases: [] }
  return { file, bytes: bytes.length, lastLayerBytes: 4 * (weights.length + biases.length) }
}

interface Layer {
  readonly from: number
  readonly width: number
  readonly weights: Float32Array
  readonly biases: Float32Array
}

function noise(count: number, scale: number, random: () => number): Float32Array {
  return Float32Array.from({ length: count }, () => (2 * random() - 1) * scale)
}

/** https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, the fields that such a graph fills. */
const Model = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        graph: { type: 'Graph', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSet', id: 8 },
      },
    },
    OperatorSet: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    Graph: {
      fields: {
        node: { rule: 'repeated', type: 'Node', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'Tensor', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfo', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfo', id: 12 },
      },
    },
    Node: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        opType: { type: 'string', id: 4 },
      },
    },
    Tensor: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
      },
    },
    ValueInfo: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    TensorType: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } } },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    Dimension: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
}).lookupType('Model')

const FLOAT = 1

function encode(layers: readonly Layer[]): Uint8Array {
  const tensor = (name: string, dims: readonly number[], values: Float32Array) => ({
    name,
    dims,
    dataType: FLOAT,
    rawData: new Uint8Array(values.buffer),
  })
  const value = (name: string, width: number) => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: [{ dimParam: 'batch' }, { dimValue: width }] } } },
  })
  const node = layers.flatMap((_layer, i) => [
    { opType: 'Gemm', input: [i === 0 ? 'pixels' : `relu${i - 1}`, `w${i}`, `b${i}`], output: [`gemm${i}`] },
    i < layers.length - 1
      ? { opType: 'Relu', input: [`gemm${i}`], output: [`relu${i}`] }
      : { opType: 'Softmax', input: [`gemm${i}`], output: ['probabilities'] },
  ])
  const initializer = layers.flatMap(({ from, width, weights, biases }, i) => [
    tensor(`w${i}`, [from, width], weights),
    tensor(`b${i}`, [width], biases),
  ])
  const graph = {
    name: LARGE_MLP,
    node,
    initializer,
    input: [value('pixels', 64)],
    output: [value('probabilities', 10)],
  }
  return Model.encode({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph }).finish()
}

async function goldenVector(model: Uint8Array): Promise<object> {
  const input: Readonly<Record<string, number>> = digitsGolden[0]?.input ?? {}
  ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] })
  const pixels = new ort.Tensor('float32', Float32Array.from(Object.values(input)), [
    1,
    Object.keys(input).length,
  ])
  const { probabilities } = await session.run({ pixels })
  await session.release()
  const values = Array.from(probabilities?.data as Float32Array)
  return { input, output: Object.fromEntries(values.map((probability, i) => [`p${i}`, probability])) }
}
