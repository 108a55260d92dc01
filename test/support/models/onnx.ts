import protobuf from 'protobufjs'

/** TensorProto.DataType. */
const ELEMENTS = { float32: 1, int64: 7, bool: 9 } as const

/** AttributeProto.AttributeType. */
const ATTRIBUTE = { int: 2, graph: 5, ints: 7 } as const

/** What goes into a graph or comes out of it; a size given as a text is one that varies. No shape: a scalar. */
export interface Value {
  readonly name: string
  readonly dtype: keyof typeof ELEMENTS
  readonly shape?: readonly (number | string)[]
}

/** Numbers that are part of the model. */
export interface Weights {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array | BigInt64Array
}

export interface Node {
  readonly operator: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, number | readonly number[] | Graph>>
}

export interface Graph {
  readonly name: string
  readonly nodes: readonly Node[]
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly weights?: readonly Weights[]
}

/** The bytes of an ONNX file of opset 13. */
export function onnxFile(graph: Graph): Uint8Array {
  const opsetImport = [{ domain: '', version: 13 }]
  return Model.encode({ irVersion: 8, opsetImport, graph: graphMessage(graph) }).finish()
}

function graphMessage({ name, nodes, inputs, outputs, weights = [] }: Graph): object {
  return {
    name,
    node: nodes.map(({ operator, inputs: input, outputs: output, attributes = {} }) => ({
      input,
      output,
      opType: operator,
      attribute: Object.entries(attributes).map(([key, value]) => attributeMessage(key, value)),
    })),
    initializer: weights.map(({ name: called, dims, data }) => ({
      name: called,
      dims,
      dataType: data instanceof Float32Array ? ELEMENTS.float32 : ELEMENTS.int64,
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    })),
    input: inputs.map(valueMessage),
    output: outputs.map(valueMessage),
  }
}

function attributeMessage(name: string, value: number | readonly number[] | Graph): object {
  if (typeof value === 'number') return { name, i: value, type: ATTRIBUTE.int }
  return 'nodes' in value
    ? { name, g: graphMessage(value), type: ATTRIBUTE.graph }
    : { name, ints: value, type: ATTRIBUTE.ints }
}

function valueMessage({ name, dtype, shape = [] }: Value): object {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType: ELEMENTS[dtype], shape: { dim } } } }
}

/** https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, the fields that such graphs fill. */
const Model = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        graph: { type: 'Graph', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSet', id: 8 },
      },
    },
    OperatorSet: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    Graph: {
      fields: {
        node: { rule: 'repeated', type: 'Node', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'Tensor', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfo', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfo', id: 12 },
      },
    },
    Node: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'Attribute', id: 5 },
      },
    },
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        i: { type: 'int64', id: 3 },
        g: { type: 'Graph', id: 6 },
        ints: { rule: 'repeated', type: 'int64', id: 8 },
        type: { type: 'int32', id: 20 },
      },
    },
    Tensor: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
      },
    },
    ValueInfo: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    TensorType: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } } },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    Dimension: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
}).lookupType('Model')
