import { initRepository, publish } from '@afield/cli'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { KIND_CONTRACTS, writeKindModel, type KindModel } from '../support/kind-models.js'
import { temporaryFolder } from './workspace.js'

/** Publishes a model into a repository of its own. */
async function publishKind(name: KindModel, change: object = {}, golden?: unknown) {
  const dir = await temporaryFolder()
  const model = await writeKindModel(dir, name, change)
  if (golden !== undefined) await writeFile(join(dir, `${name}.golden.json`), JSON.stringify(golden))
  const repo = join(dir, 'repo')
  await initRepository({ repo })
  return publish({ repo, model, version: '1.0.0', author: 'Tests' })
}

/** A contract with some of its parts replaced. */
function withInput(name: KindModel, input: object): object {
  return { contract: { ...KIND_CONTRACTS[name], input: { ...KIND_CONTRACTS[name].input, ...input } } }
}

function withOutputs(name: KindModel, ...outputs: readonly object[]): object {
  return { contract: { ...KIND_CONTRACTS[name], outputs } }
}

function withTensor(name: 'counter' | 'pets' | 'echo', tensor: string, change: object): object {
  const { tensors } = KIND_CONTRACTS[name].input
  return withInput(name, {
    tensors: tensors.map((one) => (one.name === tensor ? { ...one, ...change } : one)),
  })
}

describe('a model is published whose answers agree with what numpy says', () => {
  test.each<[KindModel, string, number]>([
    ['echo', 'tensors of every type', 1],
    ['counter', 'tensors with state', 2],
    ['pets', 'tensors, with labels, classes, bands', 6],
    ['columns', 'a record in tensors of several types, with texts and ids', 2],
  ])('%s: %s', async (name, _what, vectors) => {
    expect(await publishKind(name)).toMatchObject({ name, replay: 'passed', vectors })
  })
})

describe('a contract that does not fit the graph is refused, in its own words', () => {
  test.each<[string, KindModel, object, RegExp]>([
    ['another type', 'pets', withTensor('pets', 'x', { dtype: 'float64' }), /"x" is float32, but .* float64/],
    [
      'another rank',
      'pets',
      withTensor('pets', 'x', { shape: [-1, 4, 1] }),
      /"x" has 2 dimensions, but .* 3/,
    ],
    [
      'another size',
      'pets',
      withTensor('pets', 'x', { shape: [-1, 5] }),
      /dimension 1 of "x" is 4, but .* 5/,
    ],
    [
      'a size that is open on one side',
      'counter',
      withTensor('counter', 'frame', { shape: [-1, 3] }),
      /dimension 0 of "frame" is 1, but the contract leaves it open/,
    ],
    [
      'a tensor that is not there',
      'pets',
      withTensor('pets', 'x', { name: 'pixels' }),
      /names the tensor "pixels", which the graph does not take[^]*nothing fills the graph's input "x"/,
    ],
    [
      'state from nowhere',
      'counter',
      withTensor('counter', 'memory', { state: 'memory_after' }),
      /comes from "memory_after", which the graph does not give/,
    ],
    [
      'state of another type than it comes back as',
      'counter',
      withTensor('counter', 'count', { state: 'memory_next' }),
      /state "count" is int64\[1\], but what it comes from is memory_next: float32\[1, 3\]/,
    ],
    [
      'fewer labels than classes',
      'pets',
      withOutputs('pets', { kind: 'label', name: 'pet', tensor: 'logits', labels: ['cat', 'dog'] }),
      /"pet" has 2 labels, but "logits" has 3 classes/,
    ],
    [
      'more labels than classes, for the best',
      'pets',
      withOutputs('pets', {
        kind: 'top-k',
        name: 'pet',
        tensor: 'logits',
        k: 1,
        labels: ['a', 'b', 'c', 'd'],
      }),
      /"pet" has 4 labels, but "logits" has 3 classes/,
    ],
    [
      'scores without labels',
      'pets',
      withOutputs('pets', { kind: 'label', name: 'pet', tensor: 'logits' }),
      /"pet" has no labels for the scores in "logits"/,
    ],
    [
      'a number from texts',
      'columns',
      withOutputs('columns', { kind: 'value', name: 'score', tensor: 'comment_out' }),
      /"comment_out", which is string and holds no plain numbers/,
    ],
    [
      'a field of another type than its tensor',
      'columns',
      withInput('columns', {
        fields: KIND_CONTRACTS.columns.input.fields.map(({ ...field }) =>
          field.name === 'plan' ? { ...field, dtype: 'int32' } : field,
        ),
      }),
      /"plan" is string, but the contract's dtype is int32/,
    ],
  ])('%s', async (_what, name, change, message) => {
    await expect(publishKind(name, change)).rejects.toMatchObject({
      code: 'contract/mismatch',
      message: expect.stringMatching(message),
    })
  })
})

describe('golden vectors', () => {
  const FRAME = { dims: [1, 3], data: [1, 2, 3] }

  test.each<[string, KindModel, unknown, RegExp]>([
    ['another number of elements', 'counter', { frame: { dims: [1, 3], data: [1, 2] } }, /"frame" takes/],
    ['other dims', 'counter', { frame: { dims: [3, 1], data: [1, 2, 3] } }, /"frame" takes \[1, 3\]/],
    ['an element of another type', 'counter', { frame: { dims: [1, 3], data: [1, 'x', 3] } }, /no float32/],
    ['a tensor too many', 'counter', { frame: FRAME, shoe: FRAME }, /"shoe" is not a tensor of this model/],
    ['NaN in the state', 'counter', { frame: FRAME, memory: { dims: [1, 3], data: ['NaN', 0, 0] } }, /NaN/],
  ])('with %s are refused', async (_what, name, input, message) => {
    await expect(publishKind(name, {}, [{ input, output: { level: 6 } }])).rejects.toMatchObject({
      code: 'golden/invalid',
      message: expect.stringMatching(message),
    })
  })

  test.each<[string, object, RegExp]>([
    ['another class', { pet: { label: 'cat', score: 0.5 } }, /promises pet = cat \(0.5\), the model says/],
    ['another share', { pet: { label: 'fox', score: 0.9 } }, /promises pet = fox \(0.9\)/],
    ['another class by name', { said: 'dog' }, /promises said = dog/],
    ['a class that is not among the best', { best_two: [{ label: 'cat', score: 0.9 }] }, /promises best_two/],
    ['another band', { level: 'low' }, /promises level = low, the model says high/],
    ['other numbers', { logits: { dims: [1, 3], data: [1, 2, 3] } }, /promises logits = \[1, 3\] of 1, 2, 3/],
    ['another shape', { logits: { dims: [3], data: [-1.5, 2.46, 2.7] } }, /promises logits = \[3\]/],
  ])('that promise %s are shown beside the answer', async (_what, output, message) => {
    const path = new URL('../models/kinds/pets.golden.json', import.meta.url)
    const [first] = JSON.parse(await readFile(path, 'utf8')) as readonly { input: unknown }[]
    await expect(publishKind('pets', {}, [{ input: first?.input, output }])).rejects.toMatchObject({
      code: 'model/self-test-failed',
      message: expect.stringMatching(message),
    })
  })

  test('of a record may promise its ids, and nothing else that is no output', async () => {
    const input = { order: 7, age: 1, plan: 'gold' }
    expect(await publishKind('columns', {}, [{ input, output: { order: 7, score: 1 } }])).toMatchObject({
      replay: 'passed',
    })
    await expect(publishKind('columns', {}, [{ input, output: { age: 1 } }])).rejects.toMatchObject({
      code: 'golden/invalid',
    })
  })
})

test('a reference profile is of records, and says so', async () => {
  await expect(publishKind('pets', { reference: 'rows.csv' })).rejects.toMatchObject({
    code: 'reference/invalid',
    message: expect.stringContaining('"tensors"'),
  })
})
