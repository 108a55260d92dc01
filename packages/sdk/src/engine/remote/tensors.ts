import * as v from 'valibot'
import {
  DATATYPES,
  allocate,
  elementCheck,
  fill,
  readable,
  sizeOf,
  type Dtype,
  type Feeds,
  type PlainTensor,
} from '@afield/protocol'
import { OTHER_URL, invalid } from './refusal.js'
import { unsayable } from './unsayable.js'

/** A tensor as the Open Inference Protocol has it in JSON, row by row. */
interface JsonTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  readonly data: readonly unknown[]
}

const DTYPES = new Map<string, Dtype>(
  (Object.keys(DATATYPES) as Dtype[]).map((dtype) => [DATATYPES[dtype], dtype]),
)
const MAX_TENSORS = 256
const MAX_DIMENSIONS = 16

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const TensorSchema = v.object({
  name: v.string(),
  shape: v.pipe(v.array(size), v.maxLength(MAX_DIMENSIONS)),
  datatype: v.string(),
  data: v.array(v.unknown()),
})
const ResponseSchema = v.object({
  // Servers in Python, such as KServe's own, write null where they have nothing to say.
  id: v.nullish(v.string()),
  model_version: v.nullish(v.string()),
  outputs: v.pipe(v.array(TensorSchema), v.maxLength(MAX_TENSORS)),
})

/** What a server answered, as a graph would have. */
export interface Inferred {
  readonly results: Feeds
  readonly version: string | undefined
}

/**
 * The graph's inputs as JSON can say them: 64-bit integers that a double does not hold as texts.
 *
 * @throws AfieldError `remote/invalid` for NaN and infinities, which JSON cannot say.
 */
export function toJson(feeds: Feeds): readonly JsonTensor[] {
  return Object.entries(feeds).map(([name, tensor]) => {
    const { dtype, dims, data } = readable(tensor)
    return {
      name,
      shape: dims,
      datatype: DATATYPES[dtype as Dtype],
      data: Array.from(data, (element) => elementToJson(name, dtype, element)),
    }
  })
}

function elementToJson(name: string, dtype: string, element: unknown): unknown {
  if (dtype === 'bool') return Boolean(element)
  if (typeof element === 'bigint') {
    const number = Number(element)
    return Number.isSafeInteger(number) ? number : String(element)
  }
  if (typeof element !== 'number' || Number.isFinite(element)) return element
  throw unsayable(name)
}

/**
 * Reads a server's answer.
 *
 * @param id of the request.
 * @param wanted the outputs that the contract reads.
 * @throws AfieldError `remote/invalid` saying what is wrong with it, but never a value.
 */
export function fromJson(value: unknown, id: string, wanted: readonly string[]): Inferred {
  const parsed = v.safeParse(ResponseSchema, value)
  if (!parsed.success) {
    const [{ path }] = parsed.issues
    const where = path?.map(({ key }) => String(key)).join('.') ?? ''
    throw invalid(`is no answer of the Open Inference Protocol${where ? ` (at "${where}")` : ''}`, OTHER_URL)
  }
  const { output } = parsed
  if ((output.id ?? id) !== id)
    throw invalid(
      'is the answer to another request',
      'The server mixes requests up, or something between keeps answers.',
    )
  const results: Record<string, PlainTensor> = {}
  for (const name of wanted) {
    const tensor = output.outputs.find((one) => one.name === name)
    if (!tensor) throw invalid(`lacks the output "${name}", which the model's contract reads`)
    results[name] = tensorFrom(tensor)
  }
  return { results, version: output.model_version ?? undefined }
}

function tensorFrom({ name, shape, datatype, data }: JsonTensor): PlainTensor {
  const dtype = DTYPES.get(datatype)
  if (!dtype) throw invalid(`has an output "${name}" of a datatype that is none`)
  const flat = data.some(Array.isArray) ? (data.flat(MAX_DIMENSIONS) as readonly unknown[]) : data
  if (sizeOf(shape) !== flat.length) {
    throw invalid(
      `says that "${name}" has the shape [${shape.join(', ')}], and gives ${flat.length} elements`,
    )
  }
  const elements = flat.map((element) => elementFrom(dtype, element))
  const check = elementCheck(dtype)
  if (elements.some((element) => check(element) !== undefined)) {
    throw invalid(`has an element in "${name}" that is no ${dtype}`)
  }
  const into = allocate(dtype, elements.length)
  fill(into, dtype, elements)
  return readable({ dtype, dims: shape, data: into })
}

/** JSON has no 64-bit integers and no NaN, so these may come as texts. */
function elementFrom(dtype: Dtype, element: unknown): unknown {
  if (typeof element !== 'string' || dtype === 'string') return element
  if (dtype.endsWith('int64') && /^-?\d{1,20}$/.test(element)) return BigInt(element)
  if (dtype.startsWith('float') && /^(NaN|-?Infinity)$/.test(element)) return Number(element)
  return element
}
