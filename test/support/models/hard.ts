import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as ort from 'onnxruntime-web/wasm'
import digits from '../../models/afield.config.json' with { type: 'json' }
import { countsUp, fillsMemory, multiplies, squareRoot } from './graphs.js'
import { onnxFile, type Graph } from './onnx.js'

interface HardModel {
  readonly graph: Graph
  /** The one field of a record, and the one value that is answered; both are tensors by these names. */
  readonly field: string
  readonly output: string
  readonly dtype: 'float32' | 'int64'
  readonly golden: readonly number[]
}

/** Models that are hard on an engine. Each takes a record of one number and answers one. */
const HARD_MODELS = {
  'counts-up': { graph: countsUp(), field: 'up_to', output: 'counted', dtype: 'int64', golden: [3, 1] },
  'fills-memory': { graph: fillsMemory, field: 'numbers', output: 'held', dtype: 'int64', golden: [8, 2] },
  'square-root': { graph: squareRoot, field: 'x', output: 'root', dtype: 'float32', golden: [4, 2.25] },
  multiplies: { graph: multiplies, field: 'x', output: 'mean', dtype: 'float32', golden: [1, 0.25] },
} as const satisfies Readonly<Record<string, HardModel>>

export type HardModelName = keyof typeof HARD_MODELS

export function isHardModel(name: string): name is HardModelName {
  return name in HARD_MODELS
}

/** What they answer at once, and what they do not. `pick` of `kind-models.ts` fails to run beyond its table. */
export const HARD_INPUTS = {
  /** A step takes about 3 µs; the bad one runs for a month. */
  'counts-up': { good: { up_to: 5 }, answer: { counted: 5 }, bad: { up_to: 1_000_000_000_000 } },
  /** The bad one asks for 2.9 MB less than the 4 GiB that WebAssembly can address: `std::bad_alloc`, at once. */
  'fills-memory': { good: { numbers: 5 }, answer: { held: 5 }, bad: { numbers: 1_073_000_000 } },
  /** The bad one gets NaN. */
  'square-root': { good: { x: 9 }, answer: { root: 3 }, bad: { x: -1 } },
} as const

/**
 * Writes a model, its golden vectors and its config.
 *
 * @param change what to say differently in the config, such as another name.
 * @param graph another graph of the same inputs and outputs, such as `countsUp(1000)`.
 * @returns the path of the model.
 * @example
 * await publish({ repo, model: await writeHardModel(dir, 'counts-up'), version: '1.0.0' })
 * // … model.predict(HARD_INPUTS['counts-up'].bad)
 */
export async function writeHardModel(
  dir: string,
  name: HardModelName,
  change: object = {},
  graph: Graph = HARD_MODELS[name].graph,
): Promise<string> {
  const model: HardModel = HARD_MODELS[name]
  const bytes = onnxFile(graph)
  const path = join(dir, `${name}.onnx`)
  await writeFile(path, bytes)
  await writeFile(join(dir, `${name}.golden.json`), JSON.stringify(await goldenVectors(model, bytes)))
  const config = { ...digits, name, contract: contractOf(model), ...change }
  await writeFile(join(dir, 'afield.config.json'), JSON.stringify(config))
  return path
}

function contractOf({ field, output, dtype }: HardModel): object {
  const type = dtype === 'int64' ? 'integer' : 'number'
  return {
    input: { kind: 'record', fields: [{ type, name: field, dtype, tensor: field }] },
    outputs: [{ kind: 'value', name: output, tensor: output }],
  }
}

async function goldenVectors(
  { field, output, dtype, golden }: HardModel,
  bytes: Uint8Array,
): Promise<readonly object[]> {
  ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] })
  const vectors: object[] = []
  for (const value of golden) {
    const data = dtype === 'int64' ? BigInt64Array.of(BigInt(value)) : Float32Array.of(value)
    const answers = await session.run({ [field]: new ort.Tensor(dtype, data, [1, 1]) })
    vectors.push({ input: { [field]: value }, output: { [output]: Number(answers[output]?.data[0]) } })
  }
  await session.release()
  return vectors
}
