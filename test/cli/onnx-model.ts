import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import protobuf from 'protobufjs/light.js'
import { learnerRiskConfig, readJson, writeJson } from './workspace.js'

/** The parts of onnx.proto that these models need, with the field numbers of the format. */
const Model = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        docString: { type: 'string', id: 6 },
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
        externalData: { rule: 'repeated', type: 'Entry', id: 13 },
        dataLocation: { type: 'int32', id: 14 },
      },
    },
    Entry: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    ValueInfo: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    TensorType: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } } },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    Dimension: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
}).lookupType('Model')

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
): Uint8Array {
  const last = layers.length - 1
  const bytes = Model.encode(
    Model.fromObject({
      irVersion: 8,
      opsetImport: [{ domain: '', version: 13 }],
      graph: {
        name: 'layers',
        node: layers.flatMap((_, i) => [
          { opType: 'MatMul', input: [i === 0 ? 'features' : `h${i}`, `w${i}`], output: [`z${i}`] },
          { opType: 'Tanh', input: [`z${i}`], output: [i === last ? 'risk' : `h${i + 1}`] },
        ]),
        initializer: layers.map((layer, i) => toTensor(layer, `w${i}`, external[i])),
        input: [valueInfo('features', layers[0]?.rows ?? 0)],
        output: [valueInfo('risk', layers[last]?.columns ?? 0)],
      },
    }),
  ).finish()
  return new Uint8Array(bytes)
}

/** What {@link onnxModel} answers, computed here. */
export function answer(layers: readonly Layer[], features: readonly number[]): readonly number[] {
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

function toTensor({ rows, columns, weights }: Layer, name: string, external: External | undefined) {
  const tensor = { name, dataType: FLOAT, dims: [rows, columns] }
  if (!external) return { ...tensor, rawData: bytesOf({ rows, columns, weights }) }
  const externalData = Object.entries(external).map(([key, value]) => ({ key, value }))
  return { ...tensor, dataLocation: EXTERNAL, externalData }
}

function valueInfo(name: string, columns: number) {
  const dim = [{ dimParam: 'N' }, { dimValue: columns }]
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } }
}
