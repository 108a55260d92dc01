/** A message of the fields that make it. */
export function message(fields: readonly Buffer[]): Buffer {
  return Buffer.concat(fields)
}

/** A protobuf field: a number as varint, anything else with its length in front. */
export function field(id: number, value: number | string | Uint8Array): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(id * 8), varint(value)])
  const bytes = Buffer.from(value)
  return Buffer.concat([varint(id * 8 + 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}
