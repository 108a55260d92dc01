import { jsonBytes, parseDescriptor } from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { SCORE } from './support/contract.js'

const CHUNK = { sha256: 'a'.repeat(64), size: 1000 }

const DESCRIPTOR = {
  format: 1,
  name: 'm',
  version: '1.0.0',
  created: '2026-11-21T12:00:00.000Z',
  owner: 'The model team',
  checklist: { pattern: 'canary', fallback: 'A constant', metrics: ['errors'], rollback: 'abort' },
  card: {
    type: 'classifier',
    trainingDate: '2026-11-01',
    framework: 'scikit-learn 1.2',
    intendedUse: 'tests',
    users: 'testers',
    dataSource: 'synthetic',
    dataSize: '10 rows',
    limitations: 'many',
  },
  lineage: { trainingData: 'b'.repeat(64), evaluation: { auc: 0.9 } },
  runtime: { opset: 17, irVersion: 8, operators: ['MatMul'] },
  artifacts: [
    { variant: 'fp32', backends: ['wasm'], files: [{ role: 'model', size: 1000, chunks: [CHUNK] }] },
  ],
  contract: {
    input: {
      kind: 'record',
      tensor: 'x',
      dtype: 'float32',
      fields: [{ name: 'n', type: 'number', missing: 'reject' }],
    },
    outputs: [{ ...SCORE, column: 0 }],
  },
  selfTest: {
    vectors: [{ input: { n: 1 }, output: { score: 0.5 } }],
    tolerance: { absolute: 0.001, relative: 0 },
    replay: 'passed',
  },
  slo: { class: 'realtime', maxFailureRate: 0.01, availability: 0.999 },
}

const NUMERIC = {
  kind: 'numeric',
  count: 9,
  missing: 1,
  min: 0,
  max: 4,
  mean: 2,
  edges: [1, 2],
  counts: [3, 3, 3],
}

const REFERENCE = {
  data: 'b'.repeat(64),
  rows: 10,
  fields: {
    n: NUMERIC,
    empty: { kind: 'numeric', count: 0, missing: 10, edges: [], counts: [0] },
    kind: { kind: 'categories', count: 9, missing: 1, categories: [{ value: 'a', count: 8 }], other: 1 },
  },
  outputs: { rows: 9, profiles: { score: NUMERIC } },
}

const profile = (change: object) => ({ ...REFERENCE, fields: { n: { ...NUMERIC, ...change } } })

const FILE = { role: 'model', size: 1000, chunks: [CHUNK] }

/** The descriptor with the value at a path replaced, or removed where it is undefined. */
function descriptorWith(path: string, value: unknown): Uint8Array {
  const copy: Record<string, unknown> = structuredClone(DESCRIPTOR)
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  const parent = keys.reduce((node, key) => node[key] as Record<string, unknown>, copy)
  parent[last] = value
  return jsonBytes(copy)
}

const parse = (bytes: Uint8Array) => parseDescriptor(bytes, { name: 'm', version: '1.0.0' })

test('a descriptor is read as it was written', () => {
  expect(parse(jsonBytes(DESCRIPTOR))).toEqual(DESCRIPTOR)
})

test('a version with everything that may be said is read as it was written', () => {
  const file = { size: 1000, chunks: [{ ...CHUNK, encoding: 'gzip', encodedSize: 800 }] }
  const full = {
    ...DESCRIPTOR,
    card: { ...DESCRIPTOR.card, endpoint: '/risk', latencyP95: 12.5 },
    lineage: { ...DESCRIPTOR.lineage, featureVersion: '7', lockFile: 'c'.repeat(64), codeRevision: 'a1b2c3' },
    runtime: { ...DESCRIPTOR.runtime, ort: '>=1.20.0 <2.0.0' },
    artifacts: [
      {
        variant: 'fp32',
        backends: ['wasm'],
        files: [
          { role: 'model', ...file },
          { role: 'external-data', path: 'weights/w.bin', ...file },
          { role: 'asset', path: 'labels.txt', ...file },
        ],
      },
    ],
    reference: REFERENCE,
    retrainBy: '2027-06-30',
    stateEpoch: 2,
  }
  expect(parse(jsonBytes(full))).toEqual(full)
})

describe('refused', () => {
  test.each<[string, string, unknown, string]>([
    ['another format', 'format', 2, 'format'],
    ['another model', 'name', 'n', 'it describes another version'],
    ['another version', 'version', '1.0.1', 'it describes another version'],
    ['no owner', 'owner', '', 'owner'],
    ['a checklist without a fallback', 'checklist.fallback', undefined, 'checklist.fallback'],
    ['a checklist without metrics', 'checklist.metrics', [], 'checklist.metrics'],
    ['a card without limitations', 'card.limitations', undefined, 'card.limitations'],
    ['no artifact', 'artifacts', [], 'artifacts'],
    ['an artifact without a backend', 'artifacts.0.backends', [], 'artifacts.0.backends'],
    ['a file without chunks', 'artifacts.0.files.0.chunks', [], 'artifacts.0.files.0.chunks'],
    ['chunks that do not make the file', 'artifacts.0.files.0.size', 999, 'chunk sizes do not add up'],
    ['an empty chunk', 'artifacts.0.files.0.chunks', [{ ...CHUNK, size: 0 }], 'chunks.0.size'],
    ['a chunk above 4 MiB', 'artifacts.0.files.0.chunks', [{ ...CHUNK, size: 4194305 }], 'chunks.0.size'],
    [
      'a chunk named by no hash',
      'artifacts.0.files.0.chunks',
      [{ ...CHUNK, sha256: '../x' }],
      'chunks.0.sha256',
    ],
    ['a broken contract', 'contract.outputs', [], 'contract.outputs'],
    ['golden vectors without a tolerance', 'selfTest.tolerance', undefined, 'selfTest.tolerance'],
    ['a replay that is neither passed nor skipped', 'selfTest.replay', 'failed', 'selfTest.replay'],
    ['a failure rate above one', 'slo.maxFailureRate', 1.1, 'slo.maxFailureRate'],
    ['a time that is none', 'created', 'yesterday', 'created'],
    ['a time in a month that is none', 'created', '2026-13-01T00:00:00Z', 'created'],
    ['a time without its offset', 'created', '2026-11-21T12:00:00', 'created'],
    ['an asset without a path', 'artifacts.0.files', [FILE, { ...FILE, role: 'asset' }], 'without a path'],
    ['a file of no known role', 'artifacts.0.files', [FILE, { ...FILE, role: 'x' }], 'files.1.role'],
    ['half an encoding', 'artifacts.0.files.0.chunks', [{ ...CHUNK, encoding: 'gzip' }], 'half an encoding'],
    ['a runtime that is no range', 'runtime.ort', '^1.20.0', 'runtime.ort'],
    ['a day that is none', 'retrainBy', 'soon', 'retrainBy'],
    ['a profile whose bins do not fit its edges', 'reference', profile({ counts: [3, 6] }), 'one bin more'],
    ['a profile whose edges fall', 'reference', profile({ edges: [2, 1] }), 'not ascending'],
    [
      'a profile of too many bins',
      'reference',
      profile({ edges: Array(10).fill(0) }),
      'reference.fields.n.edges',
    ],
    [
      'a way out of the folder',
      'artifacts.0.files',
      [FILE, { ...FILE, role: 'asset', path: '../x' }],
      'plain relative path',
    ],
    ['two models', 'artifacts.0.files', [FILE, FILE], 'not one model file'],
  ])('%s', (_, path, value, where) => {
    expect(() => parse(descriptorWith(path, value))).toThrow(
      expect.objectContaining({ code: 'descriptor/invalid', message: expect.stringContaining(where) }),
    )
  })

  test('a message never holds what stood there', () => {
    expect(() => parse(descriptorWith('slo.maxFailureRate', 'my secret'))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('my secret') }),
    )
  })
})
