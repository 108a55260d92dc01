import type { Contract, Field, Input, Output } from '@afield/protocol'

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** How a body of some kind of input travels. */
export interface BodySchema {
  readonly mediaTypes: readonly string[]
  readonly schema: JsonSchema
}

/** The body of `POST /models/{name}/predict`. */
export function inputSchema(input: Input): BodySchema {
  switch (input.kind) {
    case 'record':
      return json({
        type: 'object',
        properties: Object.fromEntries(input.fields.map((field) => [field.name, fieldSchema(field)])),
        required: input.fields.filter(({ missing }) => missing === 'reject').map(({ name }) => name),
        additionalProperties: false,
      })
    case 'tensors': {
      const given = input.tensors.filter(({ state }) => state === undefined)
      return json({
        type: 'object',
        properties: Object.fromEntries(
          given.map(({ name, dtype, shape, description }) => [
            name,
            {
              anyOf: [tensorSchema(elementSchema(dtype), shape), { type: 'array' }, elementSchema(dtype)],
              ...described(description),
            },
          ]),
        ),
        required: given.map(({ name }) => name),
        additionalProperties: false,
      })
    }
    case 'image':
      return {
        mediaTypes: ['image/png', 'image/jpeg', 'image/webp'],
        schema: { ...described(input.description) },
      }
    case 'audio':
      return json({
        type: 'object',
        properties: {
          sampleRate:
            input.resample === 'reject'
              ? { const: input.sampleRate, description: 'Samples a second' }
              : { type: 'number', exclusiveMinimum: 0, description: 'Samples a second' },
          samples: { type: 'array', minItems: 1, items: { type: 'number' }, description: 'From −1 to 1' },
        },
        required: ['sampleRate', 'samples'],
        additionalProperties: false,
        ...described(input.description),
      })
    case 'text':
      return {
        mediaTypes: ['text/plain'],
        schema: { type: 'string', maxLength: input.maxLength, ...described(input.description) },
      }
  }
}

/** The outputs of an answer, ids that pass through included. */
export function outputsSchema({ input, outputs }: Contract): JsonSchema {
  const ids = input.kind === 'record' ? input.fields.filter(({ type }) => type === 'id') : []
  const passed = ids.map((field) => [field.name, fieldSchema({ ...field, missing: 'reject' })])
  return {
    type: 'object',
    properties: Object.fromEntries([
      ...outputs.map((output) => [output.name, outputSchema(output)]),
      ...passed,
    ]),
    required: [
      ...outputs.map(({ name }) => name),
      ...ids.filter(({ missing }) => missing === 'reject').map(({ name }) => name),
    ],
    additionalProperties: false,
  }
}

function fieldSchema(field: Field): JsonSchema {
  return missable(field, { ...valueSchema(field), ...described(field.description) })
}

function valueSchema(field: Field): JsonSchema {
  switch (field.type) {
    case 'number':
    case 'integer':
      return {
        type: field.type,
        ...bounds(field),
        ...(field.unit === undefined ? {} : { 'x-unit': field.unit }),
      }
    case 'boolean':
      return { type: 'boolean' }
    case 'enum':
      return { type: 'string', enum: [...new Set(field.values)] }
    case 'text':
      return { type: 'string', maxLength: field.maxLength }
    case 'id':
      return { type: ['string', 'number'] }
  }
}

/** What may be left out may be `null` too. */
function missable({ missing }: Field, schema: JsonSchema): JsonSchema {
  if (missing === 'reject') return schema
  const type = [schema['type']].flat()
  const values = schema['enum']
  return {
    ...schema,
    type: [...type, 'null'],
    ...(Array.isArray(values) ? { enum: [...(values as readonly unknown[]), null] } : {}),
  }
}

function outputSchema(output: Output): JsonSchema {
  const description = described(output.description)
  switch (output.kind) {
    case 'value':
      return { type: 'number', ...bounds(output), ...description }
    case 'decision':
      return { type: 'boolean', ...description }
    case 'band':
      return { type: 'string', enum: [...new Set(output.bands.map(({ label }) => label))], ...description }
    case 'label':
      return { ...scoredSchema(output.labels), ...description }
    case 'top-k':
      return { type: 'array', maxItems: output.k, items: scoredSchema(output.labels), ...description }
    case 'tensor':
      return { ...tensorSchema({ type: ['number', 'boolean', 'string'] }, []), ...description }
  }
}

function scoredSchema(labels: readonly string[] | undefined): JsonSchema {
  return {
    type: 'object',
    properties: {
      label: { type: 'string', ...(labels ? { enum: [...new Set(labels)] } : {}) },
      score: { type: 'number' },
    },
    required: ['label', 'score'],
  }
}

/** Elements in row-major order, and the size of each dimension. */
function tensorSchema(items: JsonSchema, shape: readonly number[]): JsonSchema {
  return {
    type: 'object',
    properties: {
      dims: {
        type: 'array',
        items: { type: 'integer', minimum: 0 },
        ...(shape.length > 0
          ? {
              minItems: shape.length,
              maxItems: shape.length,
              description: `[${shape.join(', ')}], −1 where it is open`,
            }
          : {}),
      },
      data: { type: 'array', items },
    },
    required: ['dims', 'data'],
  }
}

function elementSchema(dtype: string): JsonSchema {
  if (dtype === 'bool') return { type: 'boolean' }
  if (dtype === 'string') return { type: 'string' }
  // JSON numbers lose digits of 64 bits.
  if (dtype === 'int64' || dtype === 'uint64') return { type: ['integer', 'string'], pattern: '^-?\\d+$' }
  return { type: dtype.startsWith('float') ? 'number' : 'integer' }
}

function bounds({
  min,
  max,
}: {
  readonly min?: number | undefined
  readonly max?: number | undefined
}): JsonSchema {
  return { ...(min === undefined ? {} : { minimum: min }), ...(max === undefined ? {} : { maximum: max }) }
}

function described(description: string | undefined): JsonSchema {
  return description === undefined ? {} : { description }
}

function json(schema: JsonSchema): BodySchema {
  return { mediaTypes: ['application/json'], schema }
}
