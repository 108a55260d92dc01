import type { Contract, Output } from '@afield/protocol'
import type { DevState } from '../src/dev/state.js'
import { h } from './dom.js'
import { hintOf } from './inputs/record.js'

type Build = DevState['build']

/** What the model takes and gives, and where that is known from. */
export function contractView({ contract, inferred, notes, replay, vectors }: Build): HTMLElement {
  const source = inferred
    ? 'Inferred from the files: a guess that you know better than this page.'
    : 'As afield.config.json says.'
  return h(
    'div',
    {},
    h('p', { class: 'soft' }, source),
    notes.length > 0 && h('ul', { id: 'notes' }, ...notes.map((note) => h('li', {}, note))),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Inputs and outputs' },
      table(contract),
    ),
    h('p', { class: 'soft', id: 'vectors' }, vectorWords(replay, vectors.length)),
  )
}

/** What is missing before a version may be signed for production, and how an app asks. */
export function todoView({ config, model }: Build): HTMLElement {
  const missing = config?.missing ?? []
  return h(
    'div',
    {},
    config === undefined
      ? h('p', {}, 'There is no afield.config.json, and its folder may not be written to.')
      : missing.length === 0
        ? h('p', {}, `${config.path} is complete.`)
        : h(
            'div',
            {},
            h('p', {}, `Fill in, in ${config.path}:`),
            h(
              'ul',
              { id: 'missing' },
              ...missing.map(({ at, write }) => h('li', {}, h('code', {}, at), ' ', h('span', {}, write))),
            ),
          ),
    h('p', { class: 'soft' }, 'In your app, after afield init:'),
    h(
      'pre',
      { tabindex: 0 },
      `import { afield } from './afield'\n\nconst model = await afield.load('${model}')\nconst { outputs } = await model.predict(input)`,
    ),
  )
}

function vectorWords(replay: Build['replay'], count: number): string {
  if (replay === 'passed') return 'Its golden vectors, written by training, agree.'
  if (count === 0)
    return 'No golden vectors could be recorded: let training write some into MODEL.golden.json.'
  const vectors = count === 1 ? '1 golden vector was' : `${count} golden vectors were`
  return `${vectors} recorded from this model's own answers, which say nothing of what training meant. Let training write MODEL.golden.json.`
}

function table({ input, outputs }: Contract): HTMLElement {
  const row = (direction: string, name: string, words: string): HTMLElement =>
    h('tr', {}, h('td', {}, direction), h('td', {}, h('code', {}, name)), h('td', { class: 'words' }, words))
  return h(
    'table',
    {},
    h(
      'thead',
      {},
      h('tr', {}, ...['', 'Name', 'What it is'].map((title) => h('th', { scope: 'col' }, title))),
    ),
    h(
      'tbody',
      {},
      ...inputRows(input).map(([name, words]) => row('in', name, words)),
      ...outputs.map((output) => row('out', output.name, outputWords(output))),
    ),
  )
}

function inputRows(input: Contract['input']): readonly (readonly [string, string])[] {
  switch (input.kind) {
    case 'record':
      return input.fields.map((field) => [field.name, hintOf(field)])
    case 'tensors':
      return input.tensors.map(({ name, dtype, shape, state }) => [
        name,
        `${dtype}[${shape.map((size) => (size < 0 ? '?' : size)).join(', ')}]${state === undefined ? '' : ` · carried on from ${state}`}`,
      ])
    case 'image':
      return [[input.tensor, `image · ${input.width} × ${input.height} · ${input.color} · ${input.layout}`]]
    case 'audio':
      return [[input.tensor, `audio · ${input.sampleRate} samples a second`]]
    case 'text':
      return [
        ['text', input.form === 'tokens' ? `text · cut into at most ${input.maxTokens} tokens` : 'text'],
      ]
  }
}

function outputWords(output: Output): string {
  switch (output.kind) {
    case 'decision':
      return `decision · yes from ${output.of} = ${output.threshold} on`
    case 'band':
      return `band of ${output.of}: ${output.bands.map(({ label }) => label).join(', ')}`
    case 'label':
      return output.labels ? `label · one of ${output.labels.length}, with its score` : 'label'
    case 'top-k':
      return `the ${output.k} best labels`
    case 'value':
      return output.description === undefined ? 'number' : `number · ${output.description}`
    case 'tensor':
      return 'tensor'
  }
}
