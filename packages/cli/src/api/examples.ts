import type { Contract, Descriptor } from '@afield/protocol'

/** A question and its answer, from training itself. */
export interface Example {
  readonly input: unknown
  /** By name; some outputs may be missing, where training said nothing of them. */
  readonly outputs: Readonly<Record<string, unknown>>
}

/** More would hide the rest of the page. */
const MAX_EXAMPLES = 3
/** Characters of JSON; a golden picture is no example to read. */
const MAX_LENGTH = 2000

/** The golden vectors that a person can read, with what follows from the values that they promise. */
export function examplesOf({
  contract,
  selfTest,
}: Pick<Descriptor, 'contract' | 'selfTest'>): readonly Example[] {
  return selfTest.vectors
    .filter((vector) => JSON.stringify(vector).length <= MAX_LENGTH)
    .slice(0, MAX_EXAMPLES)
    .map(({ input, output }) => ({ input, outputs: withDerived(contract, output, input) }))
}

/** Decisions, bands and ids say nothing that the values and the input do not. */
function withDerived(
  { input, outputs }: Contract,
  promised: Readonly<Record<string, unknown>>,
  given: unknown,
): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {}
  for (const output of outputs) {
    const { name } = output
    const value = 'of' in output ? promised[output.of] : undefined
    if (Object.hasOwn(promised, name)) all[name] = promised[name]
    else if (typeof value !== 'number') continue
    else if (output.kind === 'decision') all[name] = value >= output.threshold
    else if (output.kind === 'band') {
      all[name] = [...output.bands].reverse().find(({ from }) => from === undefined || value >= from)?.label
    }
  }
  if (input.kind !== 'record' || typeof given !== 'object' || given === null) return all
  const record = given as Readonly<Record<string, unknown>>
  const ids = input.fields.filter(({ type, name }) => type === 'id' && Object.hasOwn(record, name))
  return { ...all, ...Object.fromEntries(ids.map(({ name }) => [name, record[name]])) }
}

/** Whether an example says all that an answer would. */
export function isComplete({ outputs }: Contract, example: Example): boolean {
  return outputs.every(({ name, kind }) => {
    const said = example.outputs[name]
    // Training may give a label without its score.
    if (kind === 'label') return isScored(said)
    return kind === 'top-k' ? Array.isArray(said) && said.every(isScored) : said !== undefined
  })
}

function isScored(said: unknown): boolean {
  return typeof said === 'object' && said !== null && 'score' in said
}
