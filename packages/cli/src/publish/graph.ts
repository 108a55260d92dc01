import * as v from 'valibot'
import { CliError } from '../errors.js'
import { ELEMENT_BYTES, ELEMENT_TYPES, EXTERNAL, OnnxModel } from './onnx-format.js'

/** A tensor that a graph takes or gives. */
export interface GraphTensor {
  readonly name: string
  /** Such as `float32`; `undefined` for a sequence or a map. */
  readonly dtype: string | undefined
  /** A name or `undefined` where the size is open; no shape at all when the graph does not say. */
  readonly shape: readonly (number | string | undefined)[] | undefined
}

/** A tensor whose values lie in another file, beside the model. */
export interface ExternalTensor {
  readonly name: string
  /** The file, as the model names it: nothing has checked it yet. */
  readonly location: string
  /** In bytes from the file's beginning. */
  readonly offset: number
  /** In bytes; `undefined` when neither the model nor the tensor's shape says. */
  readonly length: number | undefined
}

/** What a model file says of itself, without its weights. */
export interface Graph {
  readonly irVersion: number
  /** Version of the default operator set. */
  readonly opset: number
  /** Names of the operators in use, sorted; those of other domains as `domain:Name`. */
  readonly operators: readonly string[]
  /** Without those that are filled by initializers. */
  readonly inputs: readonly GraphTensor[]
  readonly outputs: readonly GraphTensor[]
  readonly external: readonly ExternalTensor[]
}

/**
 * Reads the graph of an ONNX file.
 *
 * @throws CliError `graph/invalid` when the bytes are no ONNX model.
 */
export function readGraph(bytes: Uint8Array, path: string): Graph {
  const model = decode(bytes, path)
  const { initializer, input, output } = model.graph
  const filled = new Set(initializer.map(({ name }) => name))
  return {
    irVersion: model.irVersion,
    opset: model.opsetImport.find(({ domain }) => isDefaultDomain(domain))?.version ?? 0,
    operators: [...new Set(operatorsOf(model.graph))].sort(),
    inputs: input.filter(({ name }) => !filled.has(name)).map(toTensor),
    outputs: output.map(toTensor),
    external: tensorsOf(model.graph).flatMap(toExternal),
  }
}

/** One line for messages: `features: float32[batch, 2]`. */
export function describeTensor({ name, dtype, shape }: GraphTensor): string {
  return `${name}: ${dtype ?? 'not a tensor'}${shape ? `[${shape.map((dim) => dim ?? '?').join(', ')}]` : ''}`
}

const ValueInfoSchema = v.object({
  name: v.string(),
  type: v.nullish(
    v.object({
      tensorType: v.nullish(
        v.object({
          elemType: v.number(),
          shape: v.nullish(
            v.object({ dim: v.array(v.object({ dimValue: v.number(), dimParam: v.string() })) }),
          ),
        }),
      ),
    }),
  ),
})

const TensorSchema = v.object({
  name: v.string(),
  dims: v.array(v.number()),
  dataType: v.number(),
  dataLocation: v.number(),
  externalData: v.array(v.object({ key: v.string(), value: v.string() })),
})
type Tensor = v.InferOutput<typeof TensorSchema>

interface Nodes {
  readonly initializer: readonly Tensor[]
  readonly node: readonly {
    readonly opType: string
    readonly domain: string
    readonly attribute: readonly {
      readonly t?: Tensor | null | undefined
      readonly tensors: readonly Tensor[]
      readonly g?: Nodes | null | undefined
      readonly graphs: readonly Nodes[]
    }[]
  }[]
}

const NodesSchema: v.GenericSchema<Nodes> = v.object({
  initializer: v.array(TensorSchema),
  node: v.array(
    v.object({
      opType: v.string(),
      domain: v.string(),
      attribute: v.array(
        v.object({
          t: v.nullish(TensorSchema),
          tensors: v.array(TensorSchema),
          g: v.nullish(v.lazy(() => NodesSchema)),
          graphs: v.array(v.lazy(() => NodesSchema)),
        }),
      ),
    }),
  ),
})

const ModelSchema = v.object({
  irVersion: v.number(),
  opsetImport: v.pipe(v.array(v.object({ domain: v.string(), version: v.number() })), v.minLength(1)),
  graph: v.intersect([
    NodesSchema,
    v.object({
      input: v.array(ValueInfoSchema),
      output: v.pipe(v.array(ValueInfoSchema), v.minLength(1)),
    }),
  ]),
})

function decode(bytes: Uint8Array, path: string): v.InferOutput<typeof ModelSchema> {
  try {
    const plain = OnnxModel.toObject(OnnxModel.decode(bytes), { longs: Number, defaults: true })
    return v.parse(ModelSchema, plain)
  } catch (cause) {
    const html = bytes[0] === 0x3c ? ' It starts like an HTML page.' : ''
    if (bytes.length === 0) throw new CliError('graph/invalid', `${path} is empty.`, { cause })
    throw new CliError('graph/invalid', `${path} is not an ONNX model.${html}`, { cause })
  }
}

function operatorsOf({ node }: Nodes): readonly string[] {
  return node.flatMap(({ opType, domain, attribute }) => [
    isDefaultDomain(domain) ? opType : `${domain}:${opType}`,
    ...attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs].flatMap(operatorsOf)),
  ])
}

/** Also those in attributes and in the bodies of If, Loop and Scan. */
function tensorsOf({ initializer, node }: Nodes): readonly Tensor[] {
  const inAttributes = node.flatMap(({ attribute }) =>
    attribute.flatMap(({ t, tensors, g, graphs }) => [
      ...(t ? [t] : []),
      ...tensors,
      ...[...(g ? [g] : []), ...graphs].flatMap(tensorsOf),
    ]),
  )
  return [...initializer, ...inAttributes]
}

function toExternal({ name, dims, dataType, dataLocation, externalData }: Tensor): readonly ExternalTensor[] {
  if (dataLocation !== EXTERNAL) return []
  const entry = (key: string): string | undefined => externalData.find((found) => found.key === key)?.value
  const elementBytes = ELEMENT_BYTES[dataType]
  const ofShape = elementBytes && dims.reduce((product, dim) => product * dim, elementBytes)
  const length = entry('length')
  return [
    {
      name,
      location: entry('location') ?? '',
      offset: Number(entry('offset') ?? 0),
      length: length === undefined ? ofShape : Number(length),
    },
  ]
}

function toTensor({ name, type }: v.InferOutput<typeof ValueInfoSchema>): GraphTensor {
  const tensor = type?.tensorType
  return {
    name,
    dtype: tensor ? (ELEMENT_TYPES[tensor.elemType] ?? `type ${tensor.elemType}`) : undefined,
    shape: tensor?.shape?.dim.map(({ dimValue, dimParam }) => dimValue || dimParam || undefined),
  }
}

function isDefaultDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx'
}
