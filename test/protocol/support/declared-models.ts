import { readFileSync } from 'node:fs'
import type { DeclaredModel } from '@afield/protocol'
import { parseContract } from './contract.js'

const learnerRisk = new URL('../../../examples/learner-risk/afield.config.json', import.meta.url)

function model(name: string, contract: object): DeclaredModel {
  return { name, served: [{ version: '1.0.0', contract: parseContract(contract) }] }
}

const enrolment = {
  kind: 'record',
  fields: [
    { type: 'id', name: 'learner', description: 'Your own key for the learner' },
    { type: 'enum', name: 'plan', values: ['free', 'team', "teacher's"], tensor: 'plan' },
    { type: 'boolean', name: 'mobile', tensor: 'mobile', missing: { default: 0 } },
    { type: 'integer', name: 'courses', min: 0, tensor: 'courses', missing: 'nan', dtype: 'float32' },
    { type: 'text', name: 'goal', tensor: 'goal', maxLength: 200 },
  ],
}

/** A model of each kind, as test/types knows them. */
export const declaredModels: readonly DeclaredModel[] = [
  model('learner-risk', (JSON.parse(readFileSync(learnerRisk, 'utf8')) as { contract: object }).contract),
  model('enrolment', {
    input: enrolment,
    outputs: [
      { kind: 'value', name: 'score', tensor: 'score' },
      {
        kind: 'band',
        name: 'interest',
        of: 'score',
        bands: [{ label: 'low' }, { label: 'high', from: 0.6 }],
      },
      { kind: 'label', name: 'next_step', tensor: 'steps', labels: ['call', 'write'] },
    ],
  }),
  model('vibration', {
    input: {
      kind: 'tensors',
      tensors: [
        { name: 'window', dtype: 'float32', shape: [-1, 128, 3], description: 'Acceleration in g' },
        { name: 'machine/id', dtype: 'int64', shape: [-1] },
        { name: 'hidden', dtype: 'float32', shape: [1, 32], state: 'hidden_out' },
      ],
    },
    outputs: [{ kind: 'tensor', name: 'spectrum', tensor: 'spectrum' }],
  }),
  model('embedding', {
    input: { kind: 'tensors', tensors: [{ name: 'vector', dtype: 'float32', shape: [-1, 8] }] },
    outputs: [{ kind: 'value', name: 'norm', tensor: 'norm' }],
  }),
  model('digit-reader', {
    input: { kind: 'image', tensor: 'pixels', width: 8, height: 8, color: 'gray' },
    outputs: [{ kind: 'top-k', name: 'digits', tensor: 'scores', labels: ['0', '1', '2'], k: 2 }],
  }),
  model('wake-word', {
    input: { kind: 'audio', tensor: 'samples', sampleRate: 16_000, maxSeconds: 2 },
    outputs: [{ kind: 'value', name: 'heard', tensor: 'heard', min: 0, max: 1 }],
  }),
  model('content-check', {
    input: { kind: 'text', form: 'string', tensor: 'text', description: 'What was typed' },
    outputs: [
      { kind: 'value', name: 'share', tensor: 'share' },
      { kind: 'decision', name: 'unkind', of: 'share', threshold: 0.5 },
    ],
  }),
]
