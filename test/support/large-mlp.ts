import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as ort from 'onnxruntime-web/wasm'
import digits from '../models/afield.config.json' with { type: 'json' }
import digitsGolden from '../models/digits-mlp.golden.json' with { type: 'json' }
import { seededRandom } from '../../examples/fleet/random.js'
import { onnxFile, type Node, type Value, type Weights } from './models/onnx.js'

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

function encode(layers: readonly Layer[]): Uint8Array {
  const value = (name: string, width: number): Value => ({ name, dtype: 'float32', shape: ['batch', width] })
  return onnxFile({
    name: LARGE_MLP,
    inputs: [value('pixels', 64)],
    outputs: [value('probabilities', 10)],
    weights: layers.flatMap(({ from, width, weights, biases }, i): Weights[] => [
      { name: `w${i}`, dims: [from, width], data: weights },
      { name: `b${i}`, dims: [width], data: biases },
    ]),
    nodes: layers.flatMap((_layer, i): Node[] => [
      {
        operator: 'Gemm',
        inputs: [i === 0 ? 'pixels' : `relu${i - 1}`, `w${i}`, `b${i}`],
        outputs: [`gemm${i}`],
      },
      i < layers.length - 1
        ? { operator: 'Relu', inputs: [`gemm${i}`], outputs: [`relu${i}`] }
        : { operator: 'Softmax', inputs: [`gemm${i}`], outputs: ['probabilities'] },
    ]),
  })
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
