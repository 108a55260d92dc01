import type { Contract, Field, Output } from '@afield/protocol'
import { code, facts, type Block, type Line } from './document.js'

/** Texts of an enumeration that are listed before the rest is counted. */
const MAX_SHOWN = 30

/** What a model takes, one row a field or tensor. */
export function fieldsTable({ input }: Contract): readonly Block[] {
  switch (input.kind) {
    case 'record':
      return [
        {
          kind: 'table',
          head: ['Field', 'Type', 'When absent', 'Meaning'],
          rows: input.fields.map((field) => [
            code(field.name),
            fieldType(field),
            whenAbsent(field),
            field.description ?? '',
          ]),
        },
      ]
    case 'tensors':
      return [
        {
          kind: 'table',
          head: ['Tensor', 'Type', 'Shape', 'Meaning'],
          rows: input.tensors.map(({ name, dtype, shape, state, description }) => [
            code(name),
            dtype,
            `[${shape.map((size) => (size < 0 ? 'any' : size)).join(', ')}]`,
            state === undefined
              ? (description ?? '')
              : `state, carried from call to call${description === undefined ? '' : `: ${description}`}`,
          ]),
        },
      ]
    case 'image':
      return [
        facts({
          Kind: 'image',
          Size: `${input.width} × ${input.height}, ${input.fit}, resampled ${input.resample}`,
          Channels: input.color,
          ...meaning(input.description),
        }),
      ]
    case 'audio':
      return [
        facts({
          Kind: 'audio',
          Rate: `${input.sampleRate} samples a second${input.resample === 'reject' ? '; others are refused' : '; others are resampled'}`,
          Length: `${input.samples === undefined ? 'any' : `${input.samples} samples`}, at most ${input.maxSeconds} s`,
          ...meaning(input.description),
        }),
      ]
    case 'text':
      return [
        facts({
          Kind: 'text',
          Length: `at most ${input.maxLength} UTF-16 units`,
          Tokenizer: input.form === 'tokens' ? input.tokenizer : 'inside the graph',
          ...meaning(input.description),
        }),
      ]
  }
}

/** What a model answers, one row an output. */
export function outputsTable({ input, outputs }: Contract): Block {
  const ids = input.kind === 'record' ? input.fields.filter(({ type }) => type === 'id') : []
  return {
    kind: 'table',
    head: ['Output', 'Type', 'Meaning'],
    rows: [
      ...outputs.map((output) => [code(output.name), outputType(output), output.description ?? '']),
      ...ids.map(({ name, description }) => [code(name), 'the id as it was given', description ?? '']),
    ],
  }
}

function fieldType(field: Field): string {
  switch (field.type) {
    case 'number':
    case 'integer': {
      const unit = field.unit === undefined ? '' : `, ${field.unit}`
      return `${field.type}${range(field.min, field.max)}${unit}`
    }
    case 'enum':
      return `one of: ${shorten(field.values)}`
    case 'text':
      return `text of at most ${field.maxLength} UTF-16 units`
    case 'boolean':
      return 'true or false'
    case 'id':
      return 'text or number; the model never sees it'
  }
}

function whenAbsent({ missing }: Field): Line {
  if (typeof missing === 'object') return ['counts as ', code(JSON.stringify(missing.default))]
  return { reject: 'refused', nan: 'the model gets NaN', omit: 'left out of the answer' }[missing]
}

function outputType(output: Output): string {
  switch (output.kind) {
    case 'value':
      return `number${range(output.min, output.max)}`
    case 'decision':
      return `true when ${output.of} is at least ${output.threshold}`
    case 'band':
      return `by ${output.of}: ${output.bands.map(({ label, from }) => (from === undefined ? label : `${label} from ${from}`)).join(', ')}`
    case 'label':
      return `the best label and its score${output.labels ? `: ${shorten(output.labels)}` : ''}`
    case 'top-k':
      return `the best ${output.k} labels and their scores: ${shorten(output.labels)}`
    case 'tensor':
      return 'a tensor'
  }
}

function range(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return max === undefined ? '' : ` up to ${max}`
  return max === undefined ? ` from ${min}` : ` from ${min} to ${max}`
}

function meaning(description: string | undefined): Readonly<Record<string, Line>> {
  return description === undefined ? {} : { Meaning: description }
}

function shorten(texts: readonly string[]): string {
  const more = texts.length > MAX_SHOWN ? ` and ${texts.length - MAX_SHOWN} more` : ''
  return `${texts.slice(0, MAX_SHOWN).join(', ')}${more}`
}
