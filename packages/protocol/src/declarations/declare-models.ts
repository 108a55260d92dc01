import type { Contract } from '../contract/contract.js'
import { combine, type CombinedShape } from './combine.js'
import { literal, propertyName, shapeOf, typeText, type InputShape, type Property } from './shape.js'

/** A version that an app may meet, and what it takes and gives. */
export interface ServedContract {
  readonly version: string
  readonly contract: Contract
}

/** A model, and the versions that its rollout may serve: the stable one first. */
export interface DeclaredModel {
  readonly name: string
  readonly served: readonly [ServedContract, ...ServedContract[]]
}

const FIRST_LINE = '// Written by `afield types`. Run it again when a contract changes; do not edit.'

/** Types of the SDK that a declaration may speak of. */
const IMPORTED = ['AudioLike', 'ImageLike', 'TensorLike', 'TensorValue'] as const

/**
 * Declarations that teach `load()` and `predict()` of the SDK the models of a repository: names, inputs, outputs. Where
 * several versions of a model may serve, what it says holds for each of them.
 *
 * @returns the text of a `.d.ts` file, models in the order of their names.
 * @example
 * declareModels([{ name: 'learner-risk', served: [{ version: '1.0.0', contract }] }])
 * // declare module 'afield' { interface Models { 'learner-risk': { input: { … }; outputs: { … } } } }
 */
export function declareModels(models: readonly DeclaredModel[]): string {
  const body = [...models]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(declareModel)
    .join('')
  const used = IMPORTED.filter((name) => new RegExp(`\\b${name}\\b`).test(withoutComments(body)))
  const first = used.length > 0 ? `import type { ${used.join(', ')} } from 'afield'` : 'export {}'
  return `${FIRST_LINE}\n/* eslint-disable */\n${first}\n\ndeclare module 'afield' {\n  interface Models {\n${body}  }\n}\n`
}

/** Whether a text is what {@link declareModels} wrote, of these models or of others. */
export function isDeclarationFile(text: string): boolean {
  return text.startsWith(FIRST_LINE)
}

function declareModel({ name, served }: DeclaredModel): string {
  const [stable, ...others] = served
  const shape = combine([
    { version: stable.version, ...shapeOf(stable.contract) },
    ...others.map(({ version, contract }) => ({ version, ...shapeOf(contract) })),
  ])
  const body = [
    ...declareInput(shape.input),
    'readonly outputs: {',
    ...shape.outputs.flatMap((output) => declareProperty(output, ' | undefined')).map(indent),
    '}',
  ]
  const text = [...comment(about(served, shape)), `readonly ${literal(name)}: {`, ...body.map(indent), '}']
  return `${text.map((line) => `    ${line}`.trimEnd()).join('\n')}\n`
}

function about(served: DeclaredModel['served'], { input, dropped }: CombinedShape): readonly string[] {
  const versions = served.map(({ version }) => version)
  if (versions.length === 1) return [`As ${versions.join()} is.`]
  return [
    `What holds for ${versions.join(' and ')}, any of which may serve.`,
    ...(input.kind === 'none' ? [`No input suits them all: ${input.reason}.`] : []),
    ...dropped,
  ]
}

function declareInput(input: InputShape): readonly string[] {
  switch (input.kind) {
    case 'none':
      return ['readonly input: never']
    case 'whole':
      return [...comment(input.notes), `readonly input: ${input.text}`]
    case 'object':
      return [
        'readonly input: {',
        ...input.properties.flatMap((field) => declareProperty(field, ' | null | undefined')).map(indent),
        '}',
      ]
  }
}

function declareProperty(
  { name, type, optional, notes, whenAbsent = [] }: Property,
  absent: string,
): readonly string[] {
  const text = typeText(type)
  return [
    ...comment(optional ? [...notes, ...whenAbsent] : notes),
    `readonly ${propertyName(name)}${optional ? '?' : ''}: ${text}${optional ? absent : ''}`,
  ]
}

/** Nothing that was published can end the comment that it stands in. */
function comment(notes: readonly string[]): readonly string[] {
  const lines = notes
    .map((note) => note.replace(/[\p{Cc}\u2028\u2029]/gu, ' ').replaceAll('*/', '* /'))
    // Editors show the lines of a comment as one paragraph.
    .map((note) => (/[.!?:]$/.test(note) ? note : `${note}.`))
  if (lines.length === 0) return []
  return lines.length === 1
    ? [`/** ${lines.join()} */`]
    : ['/**', ...lines.map((line) => ` * ${line}`), ' */']
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, '')
}

function indent(line: string): string {
  return `  ${line}`
}
