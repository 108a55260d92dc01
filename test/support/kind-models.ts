import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DTYPES } from '@afield/protocol'

const MODELS = join(import.meta.dirname, '..', 'models', 'kinds')
const CONFIG = join(import.meta.dirname, '..', 'models', 'afield.config.json')

const tensor = (name: string, dtype: string, shape: readonly number[], state?: string) => ({
  name,
  dtype,
  shape,
  ...(state === undefined ? {} : { state }),
})
const LABELS = ['cat', 'dog', 'fox']

/** The contracts of the models in `test/models/kinds`; `write_kinds.py` there says what each does. */
export const KIND_CONTRACTS = {
  echo: {
    input: { kind: 'tensors', tensors: DTYPES.map((dtype) => tensor(dtype, dtype, [-1, 2])) },
    outputs: DTYPES.map((dtype) => ({ kind: 'tensor', name: `${dtype}_out`, tensor: `${dtype}_out` })),
  },
  counter: {
    input: {
      kind: 'tensors',
      tensors: [
        tensor('frame', 'float32', [1, 3]),
        tensor('memory', 'float32', [1, 3], 'memory_next'),
        tensor('count', 'int64', [1], 'count_next'),
      ],
    },
    outputs: [
      { kind: 'value', name: 'level', tensor: 'level' },
      { kind: 'value', name: 'frames', tensor: 'count_next' },
    ],
  },
  pets: {
    input: { kind: 'tensors', tensors: [tensor('x', 'float32', [-1, 4])] },
    outputs: [
      { kind: 'label', name: 'pet', tensor: 'logits', labels: LABELS, activation: 'softmax' },
      { kind: 'label', name: 'said', tensor: 'class', scores: 'logits', labels: LABELS },
      { kind: 'top-k', name: 'best_two', tensor: 'logits', labels: LABELS, k: 2, activation: 'softmax' },
      { kind: 'value', name: 'strength', tensor: 'best' },
      { kind: 'decision', name: 'sure', of: 'strength', threshold: 1 },
      {
        kind: 'band',
        name: 'level',
        of: 'strength',
        bands: [{ label: 'low' }, { label: 'fair', from: 0.5 }, { label: 'high', from: 1.5 }],
      },
      { kind: 'tensor', name: 'logits', tensor: 'logits' },
    ],
  },
  columns: {
    input: {
      kind: 'record',
      fields: [
        { type: 'id', name: 'order' },
        { type: 'integer', name: 'age', dtype: 'int64', tensor: 'age' },
        { type: 'boolean', name: 'member', dtype: 'bool', tensor: 'member', missing: { default: 0 } },
        { type: 'enum', name: 'plan', values: ['basic', 'gold'], dtype: 'string', tensor: 'plan' },
        { type: 'text', name: 'comment', tensor: 'comment', maxLength: 40, missing: { default: '' } },
      ],
    },
    outputs: [
      { kind: 'value', name: 'score', tensor: 'score' },
      { kind: 'tensor', name: 'comment_out', tensor: 'comment_out' },
      { kind: 'tensor', name: 'plan_out', tensor: 'plan_out' },
    ],
  },
  pick: {
    input: { kind: 'tensors', tensors: [tensor('at', 'int64', [-1, 1])] },
    outputs: [{ kind: 'value', name: 'value', tensor: 'value' }],
  },
} as const

export type KindModel = keyof typeof KIND_CONTRACTS

/**
 * Copies a model with its golden vectors to a folder of its own and writes its config there.
 *
 * @param change what to say differently in the config, such as another contract.
 * @returns the path of the model.
 */
export async function writeKindModel(dir: string, name: KindModel, change: object = {}): Promise<string> {
  for (const ending of ['onnx', 'golden.json']) {
    await copyFile(join(MODELS, `${name}.${ending}`), join(dir, `${name}.${ending}`))
  }
  const base = JSON.parse(await readFile(CONFIG, 'utf8')) as object
  const config = { ...base, name, contract: KIND_CONTRACTS[name], ...change }
  await writeFile(join(dir, 'afield.config.json'), JSON.stringify(config))
  return join(dir, `${name}.onnx`)
}
