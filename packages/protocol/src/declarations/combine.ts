import { typeText, type ContractShape, type InputShape, type Property, type TypeShape } from './shape.js'

/** A contract's shape, and the version that it is of. */
export interface VersionShape extends ContractShape {
  readonly version: string
}

/** What holds for every version of several. */
export interface CombinedShape extends ContractShape {
  /** What some versions answer and others do not. */
  readonly dropped: readonly string[]
}

/** Inputs that all of the versions accept, and outputs that all of them give. */
export function combine(shapes: readonly [VersionShape, ...VersionShape[]]): CombinedShape {
  const [first, ...others] = shapes
  const input = others.reduce((input, other) => acceptedByBoth(input, other.input), first.input)
  const outputs = others.reduce((outputs, other) => givenByBoth(outputs, other.outputs), first.outputs)
  const kept = new Set(outputs.map(({ name }) => name))
  return {
    input,
    outputs,
    dropped: shapes.flatMap(({ version, outputs }) =>
      outputs.filter(({ name }) => !kept.has(name)).map(({ name }) => `${version} also answers ${name}.`),
    ),
  }
}

function acceptedByBoth(a: InputShape, b: InputShape): InputShape {
  if (a.kind === 'none') return a
  if (b.kind === 'none') return b
  if (a.kind === 'object' && b.kind === 'object') return commonProperties(a.properties, b.properties)
  if (a.kind === 'whole' && b.kind === 'whole' && a.text === b.text) {
    return { ...a, notes: merged(a.notes, b.notes) }
  }
  return { kind: 'none', reason: 'the versions take inputs of different kinds' }
}

/** A version refuses fields that it does not know, so what only one of them takes can only be left out. */
function commonProperties(a: readonly Property[], b: readonly Property[]): InputShape {
  const names = new Set([...a, ...b].map(({ name }) => name))
  const properties: Property[] = []
  for (const name of names) {
    const one = a.find((property) => property.name === name)
    const other = b.find((property) => property.name === name)
    if (one && other) {
      properties.push({
        name,
        type: intersection(one.type, other.type),
        optional: one.optional && other.optional,
        notes: merged(one.notes, other.notes),
        whenAbsent: merged(one.whenAbsent ?? [], other.whenAbsent ?? []),
      })
    } else if ((one ?? other)?.optional === false) {
      return { kind: 'none', reason: `one version requires ${name} and another does not know it` }
    }
  }
  const impossible = properties.find(({ type, optional }) => !optional && typeText(type) === 'never')
  if (impossible) return { kind: 'none', reason: `no value of ${impossible.name} suits them all` }
  return { kind: 'object', properties }
}

function givenByBoth(a: readonly Property[], b: readonly Property[]): readonly Property[] {
  return a.flatMap((one) => {
    const other = b.find(({ name }) => name === one.name)
    if (!other) return []
    return [
      {
        name: one.name,
        type: either(one.type, other.type),
        optional: one.optional || other.optional,
        notes: merged(one.notes, other.notes),
      },
    ]
  })
}

function intersection(a: TypeShape, b: TypeShape): TypeShape {
  if (typeText(a) === typeText(b)) return a
  if (a.kind === 'literals' && b.kind === 'literals') {
    return { kind: 'literals', values: a.values.filter((value) => b.values.includes(value)) }
  }
  if (a.kind === 'literals' && typeText(b) === 'string') return a
  if (b.kind === 'literals' && typeText(a) === 'string') return b
  return { kind: 'literals', values: [] }
}

function either(a: TypeShape, b: TypeShape): TypeShape {
  if (typeText(a) === typeText(b)) return a
  if (a.kind === 'literals' && b.kind === 'literals') {
    return { kind: 'literals', values: [...new Set([...a.values, ...b.values])] }
  }
  return { kind: 'text', text: `${typeText(a)} | ${typeText(b)}` }
}

function merged(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])]
}
