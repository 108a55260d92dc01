/**
 * Just enough of the protocol-buffers wire format to move an ONNX graph's weights into a file of its own, as exporters
 * do for large models (https://onnx.ai/onnx/repo-docs/ExternalData.html).
 */

interface Field {
  readonly number: number
  /** Tag, length and contents. */
  readonly whole: Uint8Array
  readonly contents: Uint8Array
}

const GRAPH = 7
const INITIALIZER = 5
const RAW_DATA = 9
const EXTERNAL_DATA = 13
const DATA_LOCATION = 14

export interface SplitModel {
  readonly model: Uint8Array<ArrayBuffer>
  readonly weights: Uint8Array<ArrayBuffer>
}

/** @param path what the graph calls the file of its weights */
export function moveWeightsOut(model: Uint8Array, path: string): SplitModel {
  const weights: number[] = []
  const rewritten = rewrite(model, GRAPH, (graph) =>
    rewrite(graph, INITIALIZER, (tensor) => {
      const raw = fieldsOf(tensor).find(({ number }) => number === RAW_DATA)
      if (!raw) return tensor
      const entries = [
        ['location', path],
        ['offset', String(weights.length)],
        ['length', String(raw.contents.length)],
      ]
      weights.push(...raw.contents)
      return Uint8Array.from([
        ...fieldsOf(tensor)
          .filter((field) => field !== raw && field.number !== RAW_DATA)
          .flatMap(({ whole }) => [...whole]),
        ...entries.flatMap(([key = '', value = '']) =>
          delimited(EXTERNAL_DATA, Uint8Array.from([...text(1, key), ...text(2, value)])),
        ),
        ...varint(DATA_LOCATION << 3),
        1,
      ])
    }),
  )
  return { model: new Uint8Array(rewritten), weights: Uint8Array.from(weights) }
}

function rewrite(
  message: Uint8Array,
  number: number,
  change: (contents: Uint8Array) => Uint8Array,
): Uint8Array {
  return Uint8Array.from(
    fieldsOf(message).flatMap((field) =>
      field.number === number ? delimited(number, change(field.contents)) : [...field.whole],
    ),
  )
}

function fieldsOf(message: Uint8Array): readonly Field[] {
  const fields: Field[] = []
  let at = 0
  const readVarint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const start = at
    const tag = readVarint()
    const type = tag & 7
    let from = at
    if (type === 0) readVarint()
    else if (type === 1) at += 8
    else if (type === 5) at += 4
    else {
      const length = readVarint()
      from = at
      at += length
    }
    fields.push({
      number: tag >> 3,
      whole: message.subarray(start, at),
      contents: message.subarray(from, at),
    })
  }
  return fields
}

function delimited(number: number, contents: Uint8Array): number[] {
  return [...varint((number << 3) | 2), ...varint(contents.length), ...contents]
}

function text(number: number, value: string): number[] {
  return delimited(number, new TextEncoder().encode(value))
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 128)
  }
}
