import { dtypeOf, graphFields, type Input, type RecordInput } from '@afield/protocol'

/** A tensor that a contract fills. */
export interface WantedTensor {
  readonly name: string
  /** What fills it, such as `the field "age"`. */
  readonly who: string
  readonly dtype: string
  /** `undefined` where any size will do: the graph may then fix none. `batch`: one row for each of many inputs. */
  readonly shape: readonly (number | 'batch' | undefined)[]
}

/** The graph's inputs as a contract has them; one name may stand there twice, which is a mistake in the contract. */
export function wantedTensors(input: Input): readonly WantedTensor[] {
  switch (input.kind) {
    case 'record':
      return ofRecord(input)
    case 'tensors':
      return input.tensors.map(({ name, dtype, shape }) => ({
        name,
        who: `the tensor "${name}"`,
        dtype,
        shape: shape.map((size) => (size === -1 ? undefined : size)),
      }))
    case 'image': {
      const { tensor: name, dtype, layout, color, width, height } = input
      const channels = color === 'gray' ? 1 : 3
      const shape = layout === 'nchw' ? [channels, height, width] : [height, width, channels]
      return [{ name, who: 'input.tensor', dtype, shape: ['batch', ...shape] }]
    }
    case 'audio': {
      const { tensor: name, layout, samples } = input
      const shape = layout === 'nt' ? (['batch', samples] as const) : (['batch', 1, samples] as const)
      return [{ name, who: 'input.tensor', dtype: 'float32', shape }]
    }
    case 'text': {
      if (input.form === 'string') {
        const shape = input.layout === 'n' ? (['batch'] as const) : (['batch', 1] as const)
        return [{ name: input.tensor, who: 'input.tensor', dtype: 'string', shape }]
      }
      const { tensors, dtype, pad, maxTokens } = input
      const shape = ['batch', pad === 'max' ? maxTokens : undefined] as const
      return Object.entries(tensors).flatMap(([key, name]) =>
        name === undefined ? [] : [{ name, who: `input.tensors.${key}`, dtype, shape }],
      )
    }
  }
}

function ofRecord(input: RecordInput): readonly WantedTensor[] {
  const fields = graphFields(input.fields)
  if (input.tensor !== undefined) {
    const { tensor: name, dtype } = input
    return [{ name, who: 'input.tensor', dtype, shape: ['batch', fields.length] }]
  }
  return fields.map((field) => ({
    name: field.tensor ?? field.name,
    who: `the field "${field.name}"`,
    dtype: dtypeOf(field, input),
    shape: ['batch', 1],
  }))
}
