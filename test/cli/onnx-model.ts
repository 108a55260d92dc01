import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { learnerRiskConfig } from '../support/learner-risk.js'
import { field, message } from './protobuf.js'
import { readJson, writeJson } from './workspace.js'

const FLOAT = 1
const EXTERNAL = 1

/** A matrix of float32 weights, `rows` × `columns`. */
export interface Layer {
  readonly rows: number
  readonly columns: number
  readonly weights: Float32Array
}

/** Where a layer's weights lie when they are not in the model file; strings, as the format has them. */
export type External = Readonly<Record<'location' | 'offset' | 'length', string>>

/** A layer of weights between −1/√rows and 1/√rows, the same for the same seed. */
export function randomLayer(rows: number, columns: number, seed: number): Layer {
  let state = seed >>> 0
  const scale = 1 / Math.sqrt(rows)
  const weights = Float32Array.from({ length: rows * columns }, () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1) * scale
  })
  return { rows, columns, weights }
}

/** An ONNX file: `features[N, rows]` through MatMul and Tanh, layer by layer, to `risk[N, columns]`. */
export function onnxModel(
  layers: readonly Layer[],
  external: readonly (External | undefined)[] = [],
): Uint8Array<ArrayBuffer> {
  const last = layers.length - 1
  const nodes = layers.flatMap((_, i) => [
    node('MatMul', [i === 0 ? 'features' : `h${i}`, `w${i}`], `z${i}`),
    node('Tanh', [`z${i}`], i === last ? 'risk' : `h${i + 1}`),
  ])
  const graph = message([
    ...nodes.map((bytes) => field(1, bytes)),
    field(2, 'layers'),
    ...layers.map((layer, i) => field(5, tensor(layer, `w${i}`, external[i]))),
    field(11, valueInfo('features', layers[0]?.rows ?? 0)),
    field(12, valueInfo('risk', layers[last]?.columns ?? 0)),
  ])
  const opset = message([field(1, ''), field(2, 13)])
  return new Uint8Array(message([field(1, 8), field(7, graph), field(8, opset)]))
}

/** What {@link onnxModel} answers, computed here. */
function answer(layers: readonly Layer[], features: readonly number[]): readonly number[] {
  return layers.reduce<readonly number[]>(
    (input, { rows, columns, weights }) =>
      Array.from({ length: columns }, (_, column) => {
        let sum = 0
        for (let row = 0; row < rows; row++) sum += (input[row] ?? 0) * (weights[row * columns + column] ?? 0)
        return Math.tanh(sum)
      }),
    features,
  )
}

/** Bytes of a layer's weights, little-endian as the format wants them. */
export function bytesOf({ weights }: Layer): Uint8Array {
  return new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)
}

/**
 * Writes a model with all that publishing needs beside it.
 *
 * @param change what to add to its config.
 * @returns the path of the model.
 */
export async function writeModel(
  dir: string,
  name: string,
  layers: readonly Layer[],
  {
    external = [],
    change = {},
  }: { readonly external?: readonly (External | undefined)[]; readonly change?: object } = {},
): Promise<string> {
  const features = { hours_studied: 0.5, quiz_score: 1 }
  const [score] = answer(layers, Object.values(features))
  await writeFile(join(dir, `${name}.onnx`), onnxModel(layers, external))
  await writeJson(join(dir, `${name}.golden.json`), [{ input: features, output: { risk_score: score } }])
  const { card, ...config } = await readJson(learnerRiskConfig)
  await writeJson(join(dir, 'afield.config.json'), {
    ...config,
    card: { ...(card as object), framework: 'none: random weights' },
    ...change,
  })
  return join(dir, `${name}.onnx`)
}

/** Messages of onnx.proto by the field numbers of the format. */
function node(operator: string, inputs: readonly string[], output: string): Buffer {
  return message([...inputs.map((input) => field(1, input)), field(2, output), field(4, operator)])
}

function tensor(layer: Layer, name: string, external: External | undefined): Buffer {
  const head = [field(1, layer.rows), field(1, layer.columns), field(2, FLOAT), field(8, name)]
  if (!external) return message([...head, field(9, bytesOf(layer))])
  const entries = Object.entries(external).map(([key, value]) =>
    field(13, message([field(1, key), field(2, value)])),
  )
  return message([...head, ...entries, field(14, EXTERNAL)])
}

function valueInfo(name: string, columns: number): Buffer {
  const rows = message([field(2, 'N')])
  const shape = message([field(1, rows), field(1, message([field(1, columns)]))])
  const type = message([field(1, message([field(1, FLOAT), field(2, shape)]))])
  return message([field(1, name), field(2, type)])
}
