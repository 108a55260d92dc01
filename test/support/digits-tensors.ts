import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const MODELS = join(import.meta.dirname, '..', 'models')

interface Vector {
  readonly input: Readonly<Record<string, number>>
  readonly output: Readonly<Record<string, number>>
}

/**
 * Writes the digits MLP, 64-256-256-10, with a contract of tensors: `pixels` [N, 64] to `probabilities` [N, 10]. Beside
 * it lie its config and golden vectors, made of those of `digits-mlp`.
 *
 * @param outputs what the contract calls the one tensor that the graph gives.
 * @returns the path of the model.
 */
export async function writeDigitsTensors(
  dir: string,
  name = 'digits-tensors',
  outputs: readonly string[] = ['probabilities'],
): Promise<string> {
  const config = await readJson<object>('afield.config.json')
  const vectors = await readJson<readonly Vector[]>('digits-mlp.golden.json')
  const contract = {
    input: { kind: 'tensors', tensors: [{ name: 'pixels', dtype: 'float32', shape: [-1, 64] }] },
    outputs: outputs.map((output) => ({ kind: 'tensor', name: output, tensor: 'probabilities' })),
  }
  const tensor = (values: Vector['input']) => ({
    dims: [1, Object.keys(values).length],
    data: Object.values(values),
  })
  const golden = vectors.map(({ input, output }) => ({
    input: { pixels: tensor(input) },
    output: Object.fromEntries(outputs.map((one) => [one, tensor(output)])),
  }))
  await writeFile(join(dir, 'afield.config.json'), JSON.stringify({ ...config, name, contract }))
  await writeFile(join(dir, `${name}.golden.json`), JSON.stringify(golden))
  const model = join(dir, `${name}.onnx`)
  await copyFile(join(MODELS, 'digits-mlp.onnx'), model)
  return model
}

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(MODELS, name), 'utf8')) as T
}
