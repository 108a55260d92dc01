import { DATATYPES, type Contract, type Dtype, type Input } from '@afield/protocol'
import type { JsonSchema } from './schemas.js'

/** A tensor as the Open Inference Protocol speaks of it; −1 where a size is open. */
export interface TensorMetadata {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
}

/** The graph's inputs, as the contract knows them. */
export function inputTensors(input: Input): readonly TensorMetadata[] {
  switch (input.kind) {
    case 'record': {
      const fields = input.fields.flatMap((field) => (field.type === 'id' ? [] : [field]))
      if (input.tensor !== undefined) return [tensor(input.tensor, input.dtype, [-1, fields.length])]
      return fields.map((field) => {
        const dtype = field.type === 'text' ? 'string' : (field.dtype ?? input.dtype)
        return tensor(field.tensor ?? field.name, dtype, [-1, 1])
      })
    }
    case 'tensors':
      return input.tensors.map(({ name, dtype, shape }) => tensor(name, dtype, shape))
    case 'image': {
      const channels = input.color === 'gray' ? 1 : 3
      const { width, height } = input
      const shape = input.layout === 'nchw' ? [-1, channels, height, width] : [-1, height, width, channels]
      return [tensor(input.tensor, input.dtype, shape)]
    }
    case 'audio': {
      const samples = input.samples ?? -1
      return [tensor(input.tensor, 'float32', input.layout === 'nt' ? [-1, samples] : [-1, 1, samples])]
    }
    case 'text': {
      if (input.form === 'string') {
        return [tensor(input.tensor, 'string', input.layout === 'n' ? [-1] : [-1, 1])]
      }
      const { ids, attentionMask, tokenTypeIds } = input.tensors
      const tokens = input.pad === 'max' ? input.maxTokens : -1
      return [ids, attentionMask, tokenTypeIds].flatMap((name) =>
        name === undefined ? [] : [tensor(name, input.dtype, [-1, tokens])],
      )
    }
  }
}

/** Names of the graph's outputs that the contract reads. */
export function outputTensors({ outputs }: Contract): readonly string[] {
  const names = outputs.flatMap((output) => ('tensor' in output ? [output.tensor] : []))
  const scores = outputs.flatMap((output) =>
    output.kind === 'label' && output.scores !== undefined ? [output.scores] : [],
  )
  return [...new Set([...names, ...scores])]
}

/** Components that the `/v2` paths share. */
export function openInferenceSchemas(contract: Contract): Readonly<Record<string, JsonSchema>> {
  const inputs = inputTensors(contract.input)
  return {
    InferRequest: {
      type: 'object',
      properties: {
        id: { type: 'string', description: 'Given back with the answer' },
        parameters: { type: 'object' },
        inputs: {
          type: 'array',
          minItems: inputs.length,
          maxItems: inputs.length,
          items: { anyOf: inputs.map(requestTensor) },
        },
        outputs: {
          type: 'array',
          description: 'Which outputs to answer; all of them where it is left out',
          items: { type: 'object', properties: { name: outputName(contract) }, required: ['name'] },
        },
      },
      required: ['inputs'],
    },
    InferResponse: {
      type: 'object',
      properties: {
        id: { type: 'string' },
        model_name: { type: 'string' },
        model_version: { type: 'string' },
        outputs: { type: 'array', items: { $ref: '#/components/schemas/ResponseTensor' } },
      },
      required: ['model_name', 'model_version', 'outputs'],
    },
    ResponseTensor: {
      type: 'object',
      properties: {
        name: outputName(contract),
        shape: { type: 'array', items: { type: 'integer', minimum: 0 } },
        datatype: { type: 'string', enum: Object.values(DATATYPES) },
        data: { type: 'array' },
      },
      required: ['name', 'shape', 'datatype', 'data'],
    },
    ModelMetadata: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        versions: { type: 'array', items: { type: 'string' } },
        platform: { type: 'string' },
        inputs: { type: 'array', items: { $ref: '#/components/schemas/TensorMetadata' } },
        outputs: { type: 'array', items: { $ref: '#/components/schemas/TensorMetadata' } },
      },
      required: ['name', 'platform', 'inputs', 'outputs'],
    },
    TensorMetadata: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        datatype: { type: 'string' },
        shape: { type: 'array', items: { type: 'integer', minimum: -1 } },
      },
      required: ['name', 'datatype', 'shape'],
    },
    InferenceError: { type: 'object', properties: { error: { type: 'string' } }, required: ['error'] },
  }
}

function requestTensor({ name, datatype, shape }: TensorMetadata): JsonSchema {
  return {
    type: 'object',
    properties: {
      name: { const: name },
      datatype: { const: datatype },
      shape: {
        type: 'array',
        minItems: shape.length,
        maxItems: shape.length,
        prefixItems: shape.map((size) => (size < 0 ? { type: 'integer', minimum: 1 } : { const: size })),
      },
      data: { type: 'array', description: 'In row-major order, flat or nested' },
    },
    required: ['name', 'datatype', 'shape', 'data'],
  }
}

function outputName(contract: Contract): JsonSchema {
  return { type: 'string', enum: outputTensors(contract) }
}

function tensor(name: string, dtype: Dtype, shape: readonly number[]): TensorMetadata {
  return { name, datatype: DATATYPES[dtype], shape }
}
