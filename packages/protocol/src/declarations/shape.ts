import type { Contract, Input } from '../contract/contract.js'
import type { Output } from '../contract/outputs.js'
import type { Field, RecordInput } from '../contract/record.js'
import type { TensorsInput } from '../contract/tensors.js'

/** More texts than this become a plain `string`: an editor would choke on their union. */
const MAX_LITERALS = 1000

/** A TypeScript type: a closed set of texts, or the type's own text. */
export type TypeShape =
  | { readonly kind: 'literals'; readonly values: readonly string[] }
  | { readonly kind: 'text'; readonly text: string }

export interface Property {
  readonly name: string
  readonly type: TypeShape
  readonly optional: boolean
  /** Lines about it, for people. */
  readonly notes: readonly string[]
  /** What happens when it is left out, where it may be. */
  readonly whenAbsent?: readonly string[]
}

/** What `predict()` takes: properties, one whole value, or nothing that could suit. */
export type InputShape =
  | { readonly kind: 'object'; readonly properties: readonly Property[] }
  | { readonly kind: 'whole'; readonly text: string; readonly notes: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string }

export interface ContractShape {
  readonly input: InputShape
  readonly outputs: readonly Property[]
}

/** What a contract means in TypeScript. */
export function shapeOf({ input, outputs }: Contract): ContractShape {
  return { input: inputShape(input), outputs: [...outputs.map(outputProperty), ...passedThrough(input)] }
}

function inputShape(input: Input): InputShape {
  switch (input.kind) {
    case 'record':
      return { kind: 'object', properties: input.fields.map(fieldProperty) }
    case 'tensors':
      return tensorsShape(input)
    case 'image':
      return whole('ImageLike', input, `Becomes ${input.width} × ${input.height} pixels (${input.fit}).`)
    case 'audio':
      return whole(
        'AudioLike',
        input,
        `${input.sampleRate} samples a second${input.resample === 'reject' ? '' : '; other rates are brought to it'}; at most ${input.maxSeconds} seconds.`,
      )
    case 'text':
      return whole('string', input, `At most ${input.maxLength} UTF-16 units.`)
  }
}

function whole(
  text: string,
  { description }: Exclude<Input, RecordInput | TensorsInput>,
  note: string,
): InputShape {
  return { kind: 'whole', text, notes: [...lines(description), note] }
}

/** A lone tensor may be given bare. */
function tensorsShape({ tensors }: TensorsInput): InputShape {
  const given = tensors.filter(({ state }) => state === undefined)
  const properties = given.map(({ name, dtype, shape, description }): Property => ({
    name,
    type: { kind: 'text', text: `TensorLike<'${dtype}'>` },
    optional: false,
    notes: [
      ...lines(description),
      `Of shape [${shape.map((size) => (size < 0 ? 'any' : size)).join(', ')}].`,
    ],
  }))
  const [lone] = properties
  if (properties.length !== 1 || lone?.type.kind !== 'text') return { kind: 'object', properties }
  const { name, type, notes } = lone
  return {
    kind: 'whole',
    text: `${type.text} | { readonly ${propertyName(name)}: ${type.text} }`,
    notes,
  }
}

function fieldProperty(field: Field): Property {
  const { name, description } = field
  const notes = lines(description)
  switch (field.type) {
    case 'number':
    case 'integer': {
      const { min, max, unit } = field
      const kind = field.type === 'integer' ? 'A whole number' : 'A number'
      return property(field, 'number', [
        ...notes,
        `${kind}${range(min, max)}${unit === undefined ? '' : ` (${unit})`}.`,
      ])
    }
    case 'boolean':
      return property(field, 'boolean', notes)
    case 'enum':
      return { ...property(field, 'string', notes), type: union(field.values) }
    case 'text':
      return property(field, 'string', [...notes, `At most ${field.maxLength} UTF-16 units.`])
    case 'id':
      return {
        name,
        type: { kind: 'text', text: 'string | number' },
        optional: field.missing === 'omit',
        notes: [...notes, 'Given back with the answer; the model never sees it.'],
      }
  }
}

function property(
  { name, missing }: Exclude<Field, { type: 'id' }>,
  text: string,
  notes: readonly string[],
): Property {
  return {
    name,
    type: { kind: 'text', text },
    optional: missing !== 'reject',
    notes,
    whenAbsent:
      typeof missing === 'string' ? [] : [`Left out, it counts as ${JSON.stringify(missing.default)}.`],
  }
}

function outputProperty(output: Output): Property {
  const { name } = output
  const notes = lines(output.description)
  const plain = (text: string, more: readonly string[] = []): Property => ({
    name,
    type: { kind: 'text', text },
    optional: false,
    notes: [...notes, ...more],
  })
  switch (output.kind) {
    case 'value': {
      const { min, max } = output
      return plain('number', min === undefined && max === undefined ? [] : [`A number${range(min, max)}.`])
    }
    case 'decision':
      return plain('boolean', [`Whether ${output.of} is at least ${output.threshold}.`])
    case 'band': {
      const { of, bands } = output
      const said = bands.map(({ label, from }) => (from === undefined ? label : `${label} from ${from}`))
      return {
        ...plain('string', [`By ${of}: ${said.join(', ')}.`]),
        type: union(bands.map(({ label }) => label)),
      }
    }
    case 'label':
      return plain(scored(output.labels))
    case 'top-k':
      return plain(`readonly ${scored(output.labels)}[]`, [`The best ${output.k}, best first.`])
    case 'tensor':
      return plain('TensorValue')
  }
}

function passedThrough(input: Input): readonly Property[] {
  if (input.kind !== 'record') return []
  return input.fields.filter(({ type }) => type === 'id').map(fieldProperty)
}

function scored(labels: readonly string[] | undefined): string {
  return `{ readonly label: ${labels ? typeText(union(labels)) : 'string'}; readonly score: number }`
}

function union(values: readonly string[]): TypeShape {
  const distinct = [...new Set(values)]
  return distinct.length > MAX_LITERALS
    ? { kind: 'text', text: 'string' }
    : { kind: 'literals', values: distinct }
}

function range(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return max === undefined ? '' : ` up to ${max}`
  return max === undefined ? ` from ${min}` : ` from ${min} to ${max}`
}

function lines(description: string | undefined): readonly string[] {
  return description === undefined || description.trim() === ''
    ? []
    : description.trim().split(/\s*[\n\r]+\s*/)
}

export function typeText(type: TypeShape): string {
  if (type.kind === 'text') return type.text
  return type.values.length === 0 ? 'never' : type.values.map(literal).join(' | ')
}

export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name)
}

export function literal(text: string): string {
  return /^[^'\\\p{Cc}\p{Cs}\u2028\u2029]*$/u.test(text) ? `'${text}'` : JSON.stringify(text)
}
