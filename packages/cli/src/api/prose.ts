import { fieldsTable, outputsTable } from '../document/contract-tables.js'
import {
  code,
  heading,
  paragraph,
  warning,
  type Block,
  type Document,
  type Line,
} from '../document/document.js'
import { percent } from '../document/percent.js'
import type { Shown } from '../repository/inspect/catalogue.js'
import { FAILURES } from './errors.js'
import { examplesOf, type Example } from './examples.js'
import { inputTensors, outputTensors } from './open-inference.js'

/** A model's API for people: how to ask it, what it takes and gives, how it fails. */
export function apiDocument({ model, version, descriptor, release }: Shown): Document {
  const { contract, card, slo } = descriptor
  const [first, ...others] = examplesOf(descriptor)
  return {
    title: `${model} ${version}`,
    subtitle: `The API of a model, from its contract. Published ${release.created.slice(0, 10)}, owned by ${descriptor.owner}.`,
    blocks: [
      ...(release.revoked ? [warning(`Revoked: ${release.revoked.reason}. No device runs it.`)] : []),
      paragraph(card.intendedUse),
      heading('Ask it'),
      { kind: 'code', language: 'ts', text: call(model, contract.input.kind, first) },
      ...answer(first),
      paragraph('With ', code('afield types'), ', TypeScript knows the fields and outputs of this model.'),
      heading('What it takes'),
      ...fieldsTable(contract),
      heading('What it answers'),
      outputsTable(contract),
      ...examples(others),
      heading('Errors'),
      paragraph(
        'Each is an ',
        code('AfieldError'),
        ' with one of these codes, and a message that says what to do. What the app gave is never part of it.',
      ),
      {
        kind: 'table',
        head: ['HTTP', 'Meaning', 'Codes'],
        rows: FAILURES.map(({ status, meaning, codes }): readonly Line[] => [
          String(status),
          meaning,
          codes.flatMap((name, i) => (i === 0 ? [code(name)] : [', ', code(name)])),
        ]),
      },
      heading('Over HTTP'),
      paragraph(
        'Afield runs no server that predicts. Where a team answers these paths with something of its own, such as a service ' +
          'worker or a gateway, it takes and gives the same. ',
        code('afield docs --format openapi'),
        ' says it to programs.',
      ),
      {
        kind: 'table',
        head: ['Path', 'Meaning'],
        rows: [
          [code(`POST /models/${model}/predict`), 'an input in, the outputs out'],
          [code(`GET /models/${model}/versions`), 'the versions that may run'],
          [
            code(`GET /v2/models/${model}`),
            `tensors in: ${tensors(inputTensors(contract.input))}; out: ${outputTensors(contract).join(', ')}`,
          ],
          [code(`GET /v2/models/${model}/ready`), 'whether it can answer'],
          [code(`POST /v2/models/${model}/infer`), 'the Open Inference Protocol, version 2'],
        ],
      },
      heading('What to count on'),
      {
        kind: 'list',
        items: [
          `Latency class: ${slo.class}.`,
          `At most ${percent(slo.maxFailureRate)} of predictions fail; ${percent(slo.availability)} are answered by a model.`,
          `When no model can answer: ${descriptor.checklist.fallback}`,
          `Limitations: ${card.limitations}`,
        ],
      },
    ],
  }
}

function call(model: string, kind: string, example: Example | undefined): string {
  const sayable = kind === 'record' || kind === 'tensors' || kind === 'text'
  const input = sayable && example ? writtenOut(example.input) : GIVEN[kind]
  return [
    "import { afield } from './afield' // the app's module, which afield init writes",
    '',
    `const model = await afield.load('${model}')`,
    `const { outputs, modelVersion } = await model.predict(${input ?? '{}'})`,
  ].join('\n')
}

/** As code has it: names that need no quotes have none. */
function writtenOut(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/^( +)"([A-Za-z_$][\w$]*)":/gm, '$1$2:')
}

/** Names for what an app has at hand. */
const GIVEN: Readonly<Record<string, string>> = {
  record: '{}',
  tensors: '{}',
  image: 'canvas',
  audio: 'audioBuffer',
  text: 'text',
}

function answer(example: Example | undefined): readonly Block[] {
  if (!example || Object.keys(example.outputs).length === 0) return []
  return [
    paragraph('By its first golden vector, ', code('outputs'), ' is then'),
    { kind: 'code', language: 'json', text: JSON.stringify(example.outputs, null, 2) },
  ]
}

function examples(others: readonly Example[]): readonly Block[] {
  if (others.length === 0) return []
  return [
    heading('More of its golden vectors'),
    {
      kind: 'table',
      head: ['Input', 'Outputs'],
      rows: others.map(({ input, outputs }) => [code(JSON.stringify(input)), code(JSON.stringify(outputs))]),
    },
  ]
}

function tensors(list: ReturnType<typeof inputTensors>): string {
  return list.map(({ name, datatype, shape }) => `${name} ${datatype} [${shape.join(', ')}]`).join('; ')
}
