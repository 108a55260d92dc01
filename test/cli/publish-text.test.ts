import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { initRepository, publish } from '@afield/cli'
import { readJson, temporaryFolder, writeJson } from './workspace.js'

const ROOT = join(import.meta.dirname, '..', '..')
const CONTENT_CHECK = join(ROOT, 'examples', 'content-check', 'models', 'content-check-1.0.0.onnx')

interface Written {
  readonly contract: { readonly input: Record<string, unknown> }
  assets?: readonly string[]
}

let repo: string
/** A copy of the model that takes tokens, of its tokenizers and of its config. */
let models: string

beforeEach(async () => {
  const folder = await temporaryFolder()
  repo = join(folder, 'repo')
  models = join(folder, 'models')
  await cp(join(ROOT, 'test', 'models', 'text'), models, { recursive: true })
  await initRepository({ repo })
})

/** Publishes the model that takes tokens with its config changed. */
async function publishTokens(change: (config: Written) => void): ReturnType<typeof publish> {
  const path = join(models, 'afield.config.json')
  const config = (await readJson(path)) as unknown as Written
  change(config)
  await writeJson(path, config)
  return publish({ repo, model: join(models, 'tokens-classifier.onnx'), version: '1.0.0' })
}

test('a model that takes the text itself agrees with scikit-learn before it is signed', async () => {
  const published = await publish({ repo, model: CONTENT_CHECK, version: '1.0.0' })
  expect(published).toMatchObject({ name: 'content-check', replay: 'passed', vectors: 16, files: 1 })
})

test('a model with a tokenizer is replayed through it, and both are published', async () => {
  expect(await publishTokens(() => undefined)).toMatchObject({ replay: 'passed', vectors: 13, files: 2 })
})

test('another way to cut the text is noticed', async () => {
  await expect(publishTokens(({ contract }) => (contract.input['maxTokens'] = 4))).rejects.toMatchObject({
    code: 'model/self-test-failed',
  })
})

test.each([
  ['tokenizer', 'wordpiece.json'],
  ['tokenizerConfig', 'tokenizer_config.json'],
])('a %s that is not among the assets is named', async (key, path) => {
  const publishing = publishTokens((config) => {
    config.contract.input[key] = path
    config.assets = ['bpe.json']
    if (key === 'tokenizerConfig') config.contract.input['tokenizer'] = 'bpe.json'
  })
  await expect(publishing).rejects.toMatchObject({
    code: 'contract/mismatch',
    message: expect.stringContaining(`input.${key} is ${path}`) as string,
  })
})

test('an asset that is no tokenizer is named', async () => {
  const publishing = publishTokens((config) => {
    config.contract.input['tokenizer'] = 'vectors.json'
    config.assets = ['vectors.json']
  })
  await expect(publishing).rejects.toMatchObject({
    code: 'descriptor/invalid',
    details: { file: 'vectors.json' },
  })
})
