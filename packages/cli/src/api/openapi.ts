import { BACKENDS, type Descriptor } from '@afield/protocol'
import type { Shown } from '../repository/inspect/catalogue.js'
import { FAILURES } from './errors.js'
import { examplesOf, isComplete, type Example } from './examples.js'
import { inferRequest } from './infer-request.js'
import { inputTensors, openInferenceSchemas, outputTensors } from './open-inference.js'
import { inputSchema, outputsSchema, type JsonSchema } from './schemas.js'

/** An OpenAPI document, as JSON has it. */
export type OpenApi = Readonly<Record<string, unknown>>

/** As the SDK's answers say it. */
const SERVED_BY = ['model', 'previous', 'remote', 'constant', 'function']

const LATENCY_CLASS = 'x-latency-class'

/**
 * The HTTP form of a model's contract as OpenAPI 3.1: a record in and a record out, and the Open Inference Protocol v2.
 * Examples are golden vectors.
 *
 * @returns a document to be written as JSON.
 */
export function openApi({
  model,
  version,
  descriptor,
}: Pick<Shown, 'model' | 'version' | 'descriptor'>): OpenApi {
  const { contract, card, slo } = descriptor
  return {
    openapi: '3.1.0',
    info: {
      title: model,
      version,
      summary: card.type,
      description:
        `${card.intendedUse}\n\nLimitations: ${card.limitations}\n\n` +
        'Afield runs no server that predicts: in an app, the SDK answers without HTTP. What a team puts behind these paths, ' +
        'be it a service worker on the device or a gateway, takes and gives the same.',
      contact: { name: descriptor.owner },
    },
    servers: [{ url: '/', description: 'Where the app, or what answers for it, is' }],
    tags: [
      { name: 'records', description: "In the contract's own words" },
      { name: 'Open Inference Protocol', description: "Version 2: the graph's tensors" },
    ],
    paths: {
      [`/models/${model}/predict`]: { post: predict(descriptor) },
      [`/models/${model}/versions`]: { get: versions() },
      [`/v2/models/${model}`]: { get: metadata(descriptor) },
      [`/v2/models/${model}/ready`]: { get: ready() },
      [`/v2/models/${model}/infer`]: { post: infer(descriptor) },
    },
    components: {
      schemas: {
        Input: inputSchema(contract.input).schema,
        Outputs: outputsSchema(contract),
        Prediction: predictionSchema(model),
        Error: errorSchema(),
        ...openInferenceSchemas(contract),
      },
    },
    [LATENCY_CLASS]: slo.class,
  }
}

function predict(descriptor: Descriptor): JsonSchema {
  const { contract, name, version } = descriptor
  const examples = examplesOf(descriptor)
  const { mediaTypes } = inputSchema(contract.input)
  // A picture's or a recording's golden vector is not the body that carries it.
  const sayable = ['record', 'tensors'].includes(contract.input.kind)
  const complete = examples.filter((example) => isComplete(contract, example))
  const answer = (example: Example): unknown => ({
    outputs: example.outputs,
    model: name,
    modelVersion: version,
    servedBy: 'model',
  })
  return {
    operationId: 'predict',
    tags: ['records'],
    summary: 'Score one input',
    parameters: [
      {
        name: 'version',
        in: 'query',
        description:
          'A version, an alias, or `latest`; what the rollout means for the device where it is left out',
        schema: { type: 'string' },
        example: version,
      },
    ],
    requestBody: {
      required: true,
      content: content(mediaTypes, 'Input', sayable ? named(examples, ({ input }) => input) : {}),
    },
    responses: {
      '200': {
        description: 'The answer, and the version that gave it',
        content: content(['application/json'], 'Prediction', named(complete, answer)),
      },
      ...failures('Error', [400, 404, 410, 500, 503, 504]),
    },
  }
}

function versions(): JsonSchema {
  const schema = {
    type: 'object',
    properties: {
      serves: { type: ['string', 'null'], description: 'The version that answers now' },
      versions: { type: 'array', items: { type: 'string' }, description: 'Newest first' },
    },
    required: ['serves', 'versions'],
  }
  return {
    operationId: 'versions',
    tags: ['records'],
    summary: 'Versions that may run',
    responses: {
      '200': { description: 'Versions of this model', content: { 'application/json': { schema } } },
      ...failures('Error', [404, 503]),
    },
  }
}

function metadata({ contract }: Descriptor): JsonSchema {
  const takes = inputTensors(contract.input).map(
    ({ name, datatype, shape }) => `${name} ${datatype} [${shape.join(', ')}]`,
  )
  return {
    operationId: 'modelMetadata',
    tags: ['Open Inference Protocol'],
    summary: "The graph's inputs and outputs",
    description: `It takes ${takes.join('; ')} and gives ${outputTensors(contract).join(', ')}.`,
    responses: {
      '200': { description: 'Metadata', content: content(['application/json'], 'ModelMetadata') },
      ...failures('InferenceError', [404]),
    },
  }
}

function ready(): JsonSchema {
  return {
    operationId: 'modelReady',
    tags: ['Open Inference Protocol'],
    summary: 'Whether the model can answer',
    responses: {
      '200': { description: 'It can' },
      '404': { description: 'There is no such model' },
      '503': { description: 'It cannot now' },
    },
  }
}

function infer({ contract, selfTest }: Descriptor): JsonSchema {
  const requests = examplesOf({ contract, selfTest }).flatMap(
    (example) => inferRequest(contract.input, example.input) ?? [],
  )
  return {
    operationId: 'modelInfer',
    tags: ['Open Inference Protocol'],
    summary: 'Run the graph on its own tensors',
    requestBody: {
      required: true,
      content: content(
        ['application/json'],
        'InferRequest',
        named(requests, (request) => request),
      ),
    },
    responses: {
      '200': {
        description: "The graph's outputs, and the version that gave them",
        content: content(['application/json'], 'InferResponse'),
      },
      ...failures('InferenceError', [400, 404, 500, 503, 504]),
    },
  }
}

function failures(schema: 'Error' | 'InferenceError', statuses: readonly number[]): JsonSchema {
  return Object.fromEntries(
    FAILURES.filter(({ status }) => statuses.includes(status)).map(({ status, meaning, codes }) => [
      String(status),
      {
        description: `${meaning} (${codes.join(', ')})`,
        content: content(['application/json'], schema),
      },
    ]),
  )
}

function predictionSchema(model: string): JsonSchema {
  return {
    type: 'object',
    properties: {
      outputs: { $ref: '#/components/schemas/Outputs' },
      model: { const: model },
      modelVersion: {
        type: 'string',
        description: 'The version that answered; `none` where a constant or a function of the app did',
      },
      servedBy: {
        type: 'string',
        enum: SERVED_BY,
        description:
          'Who answered: the version that is meant for this device, an older one in its place, a server, or the app itself',
      },
      backend: {
        type: 'string',
        enum: BACKENDS,
        description: 'What the model ran on; absent where something else answered',
      },
      cached: { const: true, description: 'The answer to the same input, given before' },
      latencyMs: { type: 'number', minimum: 0, description: 'Milliseconds from the request to the answer' },
    },
    required: ['outputs', 'model', 'modelVersion', 'servedBy'],
  }
}

function errorSchema(): JsonSchema {
  return {
    type: 'object',
    properties: {
      error: {
        type: 'object',
        properties: {
          code: { type: 'string', enum: FAILURES.flatMap(({ codes }) => codes) },
          message: { type: 'string', description: 'What happened and what to do' },
          details: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
        },
        required: ['code', 'message'],
      },
    },
    required: ['error'],
  }
}

function content(mediaTypes: readonly string[], schema: string, examples: JsonSchema = {}): JsonSchema {
  const body = {
    schema: { $ref: `#/components/schemas/${schema}` },
    ...(Object.keys(examples).length > 0 ? { examples } : {}),
  }
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, body]))
}

function named<T>(examples: readonly T[], value: (example: T) => unknown): JsonSchema {
  return Object.fromEntries(
    examples.map((example, i) => [
      `golden${i + 1}`,
      { summary: `Golden vector ${i + 1}`, value: value(example) },
    ]),
  )
}
