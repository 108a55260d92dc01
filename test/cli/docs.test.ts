import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  apiDocument,
  initRepository,
  openApi,
  publish,
  renderMarkdown,
  showVersion,
  type Shown,
} from '@afield/cli'
import { ContractSchema, ERROR_CODES, parseWith } from '@afield/protocol'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { learnerRisk } from '../support/learner-risk.js'
import { afield, temporaryFolder } from './workspace.js'

let dir: string
let repo: string
let shown: Shown

beforeAll(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  await initRepository({ repo })
  await publish({ repo, model: learnerRisk('1.0.0'), version: '1.0.0' })
  shown = await showVersion({ repo }, 'learner-risk')
})

/** An OpenAPI document as a reader of it sees it. */
interface Api {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}
interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, MediaType>> }>>
}
interface MediaType {
  readonly schema: { readonly $ref: string }
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

const asApi = (value: object): Api => value as Api

test('is OpenAPI 3.1 by its official schema, and speaks of both protocols', async () => {
  const out = join(dir, 'api/learner-risk.openapi.json')
  const ran = await afield(['docs', 'learner-risk', '--format', 'openapi', '--out', out, '--repo', repo])
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('learner-risk@1.0.0') })
  const api = JSON.parse(await readFile(out, 'utf8')) as Api
  expect(await problemsOf(api)).toEqual([])
  expect(await problemsOf({ ...api, info: { title: 'without a version' } })).not.toEqual([])
  expect(api.openapi).toBe('3.1.0')
  expect(
    Object.entries(api.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    ),
  ).toEqual([
    'post /models/learner-risk/predict',
    'get /models/learner-risk/versions',
    'get /v2/models/learner-risk',
    'get /v2/models/learner-risk/ready',
    'post /v2/models/learner-risk/infer',
  ])
  expect(Object.keys(api.paths['/models/learner-risk/predict']?.['post']?.responses ?? {})).toEqual([
    '200',
    '400',
    '404',
    '410',
    '500',
    '503',
    '504',
  ])
})

test('its examples are golden vectors, and fit its own schemas', () => {
  const api = asApi(openApi(shown))
  const predict = api.paths['/models/learner-risk/predict']?.['post']
  const [vector] = shown.descriptor.selfTest.vectors
  expect(exampleOf(predict?.requestBody?.content)).toEqual(vector?.input)
  expect(exampleOf(predict?.responses['200']?.content)).toMatchObject({
    outputs: { ...vector?.output, needs_support: false },
    modelVersion: '1.0.0',
  })
  expect(exampleOf(api.paths['/v2/models/learner-risk/infer']?.['post']?.requestBody?.content)).toEqual({
    inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 2], data: [60, 0] }],
  })
  expect(checkExamples(api)).toBeGreaterThanOrEqual(9)
})

test('its schemas refuse what the model refuses', () => {
  const accepts = validatorOf(asApi(openApi(shown)), 'Input')
  expect(accepts({ hours_studied: 4, quiz_score: 61 })).toBe(true)
  for (const wrong of [
    { hours_studied: 4 },
    { hours_studied: '4', quiz_score: 61 },
    { hours_studied: 61, quiz_score: 61 },
    { hours_studied: null, quiz_score: 61 },
    { hours_studied: 4, quiz_score: 61, age: 20 },
    [],
  ]) {
    expect(accepts(wrong)).toBe(false)
  }
})

test('every error code in it is one of the union', () => {
  const { Error: error } = asApi(openApi(shown)).components.schemas
  const codes = JSON.stringify(error)
    .match(/"[a-z]+\/[a-z-]+"/g)
    ?.map((code) => JSON.parse(code) as string)
  expect(codes?.length).toBeGreaterThan(5)
  expect(ERROR_CODES).toEqual(expect.arrayContaining(codes ?? []))
})

describe('every kind of input has valid docs in both forms', () => {
  const score = { kind: 'value', name: 'score', tensor: 'y' }
  test.each<[string, object, readonly object[], readonly object[]]>([
    [
      'record',
      {
        kind: 'record',
        fields: [
          { type: 'id', name: 'learner' },
          { type: 'enum', name: 'plan', values: ['free', 'team'], tensor: 'plan', missing: { default: 0 } },
          { type: 'boolean', name: 'mobile', tensor: 'mobile', dtype: 'bool' },
          { type: 'text', name: 'goal', tensor: 'goal' },
        ],
      },
      [
        score,
        { kind: 'band', name: 'level', of: 'score', bands: [{ label: 'low' }, { label: 'high', from: 0.5 }] },
        { kind: 'decision', name: 'call', of: 'score', threshold: 0.5 },
      ],
      [{ input: { learner: 7, plan: 'team', mobile: true, goal: 'a' }, output: { score: 0.75 } }],
    ],
    [
      'tensors',
      {
        kind: 'tensors',
        tensors: [
          { name: 'window', dtype: 'float32', shape: [-1, 3] },
          { name: 'hidden', dtype: 'float32', shape: [1, 2], state: 'hidden_out' },
        ],
      },
      [{ kind: 'tensor', name: 'spectrum', tensor: 'spectrum' }],
      [
        {
          input: { window: { dims: [1, 3], data: [1, 2, 3] } },
          output: { spectrum: { dims: [1], data: [1] } },
        },
      ],
    ],
    [
      'image',
      { kind: 'image', tensor: 'pixels', width: 8, height: 8, layout: 'nhwc' },
      [{ kind: 'top-k', name: 'digits', tensor: 'y', labels: ['0', '1'], k: 2 }],
      [{ input: { width: 1, height: 1, rgba: 'AAAAAA==' }, output: { digits: [{ label: '0', score: 1 }] } }],
    ],
    [
      'audio',
      { kind: 'audio', tensor: 'samples', sampleRate: 16_000 },
      [{ kind: 'label', name: 'word', tensor: 'y', labels: ['yes', 'no'] }],
      [{ input: { sampleRate: 16_000, samples: 'AAAAAA==' }, output: { word: { label: 'yes', score: 1 } } }],
    ],
    [
      'text',
      {
        kind: 'text',
        form: 'tokens',
        tokenizer: 'tokenizer.json',
        tensors: { ids: 'input_ids', attentionMask: 'attention_mask' },
        maxTokens: 32,
      },
      [score],
      [{ input: 'hello', output: { score: 1 } }],
    ],
  ])('%s', async (_, input, outputs, vectors) => {
    const contract = parseWith(ContractSchema, { input, outputs }, 'descriptor/invalid', 'The contract')
    const described = {
      ...shown,
      descriptor: {
        ...shown.descriptor,
        contract,
        selfTest: {
          ...shown.descriptor.selfTest,
          vectors: vectors as Shown['descriptor']['selfTest']['vectors'],
        },
      },
    }
    const api = asApi(openApi(described))
    expect(await problemsOf(api)).toEqual([])
    expect(checkExamples(api)).toBeGreaterThan(0)
    const prose = renderMarkdown(apiDocument(described))
    expect(prose).toContain("await afield.load('learner-risk')")
    for (const { name } of contract.outputs) expect(prose).toContain(`| \`${name}\` |`)
  })
})

test('for people: a call to copy, fields, outputs, errors', async () => {
  const { code, stdout } = await afield(['docs', 'learner-risk', '--repo', repo])
  expect(code).toBe(0)
  expect(stdout).toContain("const model = await afield.load('learner-risk')")
  expect(stdout).toContain('  hours_studied: 60,\n  quiz_score: 0\n')
  expect(stdout).toContain('| `needs_support` | true when risk\\_score is at least 0.7 |')
  expect(stdout).toContain('| 400 | ')
  const html = await afield(['docs', 'learner-risk', '--repo', repo, '--format', 'html'])
  expect(html.stdout).toMatch(/^<!doctype html>/)
})

/** What the official schema of OpenAPI has against a document. */
async function problemsOf(api: object): Promise<unknown> {
  const { valid, errors } = await new Validator().validate(structuredClone(api) as Record<string, unknown>)
  return valid ? [] : errors
}

function validatorOf({ components }: Api, schema: string): (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false })
  ajv.addSchema({ $id: 'https://api.example/', components })
  return ajv.compile({ $ref: `https://api.example/#/components/schemas/${schema}` })
}

/** @returns how many examples there are, each of which fits. */
function checkExamples(api: Api): number {
  const bodies = Object.values(api.paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ requestBody, responses }) => [requestBody, ...Object.values(responses)])
    .flatMap((body) => Object.values(body?.content ?? {}))
  const examples = bodies.flatMap(({ schema, examples = {} }) =>
    Object.values(examples).map(({ value }) => ({ schema: schema.$ref.split('/').at(-1) ?? '', value })),
  )
  for (const { schema, value } of examples)
    expect({ schema, fits: validatorOf(api, schema)(value) }).toEqual({ schema, fits: true })
  return examples.length
}

function exampleOf(content: Readonly<Record<string, MediaType>> | undefined): unknown {
  return content?.['application/json']?.examples?.['golden1']?.value
}
