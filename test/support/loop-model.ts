import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { field, message } from '../cli/protobuf.js'

const FLOAT = 1
const INT64 = 7
const BOOL = 9
const GRAPH = 5

/**
 * Writes a model that counts, one loop iteration a step: `steps` int64 [1] to `total` float32 [1]. A few are quick, some
 * hundred thousand keep a core busy for a while, and 10¹⁵ never end. What was published replays quick ones.
 *
 * @returns the path of the model.
 */
export async function writeLoopModel(dir: string): Promise<string> {
  const config = JSON.parse(
    await readFile(join(import.meta.dirname, '..', 'models', 'afield.config.json'), 'utf8'),
  ) as object
  const contract = {
    input: { kind: 'tensors', tensors: [{ name: 'steps', dtype: 'int64', shape: [1] }] },
    outputs: [{ kind: 'tensor', name: 'total', tensor: 'total' }],
  }
  const golden = [3, 5].map((steps) => ({
    input: { steps: { dims: [1], data: [steps] } },
    output: { total: { dims: [1], data: [steps] } },
  }))
  await writeFile(join(dir, 'afield.config.json'), JSON.stringify({ ...config, name: 'loop', contract }))
  await writeFile(join(dir, 'loop.golden.json'), JSON.stringify(golden))
  const model = join(dir, 'loop.onnx')
  await writeFile(model, loopBytes())
  return model
}

function loopBytes(): Uint8Array {
  const body = message([
    field(1, node('Identity', ['go'], ['go_on'])),
    field(1, node('Add', ['sum', 'one'], ['more'])),
    field(2, 'body'),
    field(11, valueInfo('at', INT64, [])),
    field(11, valueInfo('go', BOOL, [])),
    field(11, valueInfo('sum', FLOAT, [1])),
    field(12, valueInfo('go_on', BOOL, [])),
    field(12, valueInfo('more', FLOAT, [1])),
  ])
  const loop = message([
    node('Loop', ['steps', '', 'zero'], ['total']),
    field(5, message([field(1, 'body'), field(6, body), field(20, GRAPH)])),
  ])
  const graph = message([
    field(1, loop),
    field(2, 'loop'),
    field(5, constant('zero', 0)),
    field(5, constant('one', 1)),
    field(11, valueInfo('steps', INT64, [1])),
    field(12, valueInfo('total', FLOAT, [1])),
  ])
  return message([field(1, 8), field(7, graph), field(8, message([field(1, ''), field(2, 13)]))])
}

function node(operator: string, inputs: readonly string[], outputs: readonly string[]): Buffer {
  return message([
    ...inputs.map((input) => field(1, input)),
    ...outputs.map((output) => field(2, output)),
    field(4, operator),
  ])
}

function constant(name: string, value: number): Buffer {
  return message([
    field(1, 1),
    field(2, FLOAT),
    field(8, name),
    field(9, new Uint8Array(Float32Array.of(value).buffer)),
  ])
}

function valueInfo(name: string, type: number, dims: readonly number[]): Buffer {
  const shape = message(dims.map((size) => field(1, message([field(1, size)]))))
  return message([field(1, name), field(2, message([field(1, message([field(1, type), field(2, shape)]))]))])
}
