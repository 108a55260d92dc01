import protobuf from 'protobufjs/light.js'

/** A run of bytes of a file: from `start` to just before `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Field numbers of onnx.proto on the way to a weight: Model.graph, Graph.initializer. */
const GRAPH = 7
const INITIALIZER = 5
const LENGTH_DELIMITED = 2

/**
 * Where the initializers lie in an ONNX file. Each span is the whole entry, name and shape included, so that
 * neighbours touch and nothing small is left between two large ones.
 *
 * @throws Error when the bytes are no protobuf.
 */
export function initializerSpans(bytes: Uint8Array): readonly Span[] {
  return entries(bytes, { start: 0, end: bytes.length })
    .filter(({ field }) => field === GRAPH)
    .flatMap(({ content }) => entries(bytes, content))
    .filter(({ field }) => field === INITIALIZER)
    .map(({ whole }) => whole)
}

interface Entry {
  readonly field: number
  readonly whole: Span
  readonly content: Span
}

/** The length-delimited fields of a message; their contents are passed over, not read. */
function entries(bytes: Uint8Array, { start, end }: Span): readonly Entry[] {
  const reader = protobuf.Reader.create(bytes.subarray(0, end))
  const found: Entry[] = []
  for (reader.pos = start; reader.pos < end;) {
    const at = reader.pos
    const tag = reader.uint32()
    if ((tag & 7) !== LENGTH_DELIMITED) {
      reader.skipType(tag & 7)
      continue
    }
    const length = reader.uint32()
    const content = { start: reader.pos, end: reader.pos + length }
    reader.skip(length)
    found.push({ field: tag >>> 3, whole: { start: at, end: content.end }, content })
  }
  return found
}
