import * as ort from 'onnxruntime-web/wasm'

/** https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md */
export interface InferTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  /** Row by row; nested arrays are as good as flat ones. */
  readonly data: readonly unknown[]
}

export interface InferRequest {
  readonly id?: string
  readonly inputs: readonly InferTensor[]
  /** Which outputs are wanted; all where it is left out. */
  readonly outputs?: readonly { readonly name: string }[]
}

export interface InferResponse {
  readonly model_name: string
  readonly model_version: string
  readonly outputs: readonly InferTensor[]
}

/** The request is at fault: 400. */
export class Refused extends Error {}

type Dtype = ort.Tensor.Type

/** The protocol's datatypes that JSON can carry. */
const DTYPES: Readonly<Record<string, Dtype>> = {
  BOOL: 'bool',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
}

const ARRAYS = {
  bool: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const

/** An ONNX model that answers calls of the protocol, one after the other. */
export class ServedModel {
  readonly #session: ort.InferenceSession
  #last: Promise<unknown> = Promise.resolve()

  private constructor(session: ort.InferenceSession) {
    this.#session = session
  }

  static async open(bytes: Uint8Array): Promise<ServedModel> {
    ort.env.wasm.numThreads = 1
    return new ServedModel(await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] }))
  }

  /** @throws Refused when the model does not take what was sent. */
  async infer(request: InferRequest | undefined): Promise<readonly InferTensor[]> {
    if (!Array.isArray(request?.inputs)) throw new Refused('There are no inputs.')
    const feeds = Object.fromEntries(request.inputs.map((input) => [input.name, readTensor(input)]))
    const wanted = request.outputs?.map(({ name }) => name) ?? this.#session.outputNames
    // onnxruntime runs one at a time.
    const run = this.#last.then(() => this.#session.run(feeds, wanted))
    this.#last = run.catch(() => undefined)
    const answers = await run.catch((cause: unknown) => {
      throw new Refused(String(cause), { cause })
    })
    return wanted.map((name) => writeTensor(name, answers[name]))
  }

  async close(): Promise<void> {
    await this.#last
    await this.#session.release()
  }
}

function readTensor({ name, shape, datatype, data }: InferTensor): ort.Tensor {
  const type = DTYPES[datatype]
  if (!type) throw new Refused(`Input ${name}: ${datatype} is no datatype that JSON can carry.`)
  const flat = data.flat(Infinity)
  try {
    if (type === 'string') return new ort.Tensor('string', flat.map(String), shape)
    if (type === 'int64') return new ort.Tensor(type, BigInt64Array.from(flat, toBigInt), shape)
    if (type === 'uint64') return new ort.Tensor(type, BigUint64Array.from(flat, toBigInt), shape)
    return new ort.Tensor(type, ARRAYS[type as keyof typeof ARRAYS].from(flat.map(Number)), shape)
  } catch (cause) {
    throw new Refused(`Input ${name}: ${String(cause)}`, { cause })
  }
}

function toBigInt(value: unknown): bigint {
  return BigInt(value as number | string)
}

function writeTensor(name: string, tensor: ort.Tensor | undefined): InferTensor {
  if (!tensor) throw new Refused(`There is no output ${name}.`)
  const [datatype = ''] = Object.entries(DTYPES).find(([, type]) => type === tensor.type) ?? []
  const values = Array.from(tensor.data as ArrayLike<unknown>)
  const data = tensor.type === 'bool' ? values.map(Boolean) : values.map(plain)
  return { name, shape: tensor.dims, datatype, data }
}

/** JSON has no 64-bit integers beyond what a double holds, and the protocol has numbers. */
function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}
