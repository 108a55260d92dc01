import {
  AfieldError,
  graphFields,
  recordInput,
  type Codec,
  type Contract,
  type GraphField,
  type Output,
  type OutputValue,
  type Prepared,
  type RecordValue,
  type ReferenceProfile,
} from '@afield/protocol'
import { CliError } from '../../errors.js'
import { runModel, type LoadableModel } from '../run-model.js'
import { MIN_ROWS, isFew } from './disclosure.js'
import { categoryCounter, numericCounter, type ProfileCounter } from './profile.js'
import { readRows, type Cell, type Row } from './rows.js'
import { RowSample } from './sample.js'

/** A model, and the codec of its contract. */
interface RunnableModel {
  readonly loadable: LoadableModel
  readonly codec: Codec
}

/** Rows whose answers are profiled. */
const PREDICTED_ROWS = 1000

/**
 * The reference profile of a version from a CSV of its training data, which is read twice and never held whole: once
 * for a sample that places the bins, once to count into them. The model answers up to 1,000 rows of the sample for
 * the profile of its outputs.
 *
 * @throws CliError `reference/invalid` naming the field.
 */
export async function profileReference(
  path: string,
  contract: Contract,
  model: RunnableModel,
  signal?: AbortSignal,
): Promise<ReferenceProfile> {
  if (contract.input.kind !== 'record') {
    throw new CliError(
      'reference/invalid',
      `A reference profile is of a CSV of records, and this model takes "${contract.input.kind}". Leave it out.`,
    )
  }
  const fields = graphFields(contract.input.fields)
  const sample = new RowSample<Row>(fields.length)
  await readRows(path, contract, (row) => sample.add(row), signal)

  const counters = fields.map((field, i) =>
    counterOf(
      field,
      sample.rows.map((row) => row[i]),
    ),
  )
  let rows = 0
  const count = (row: Row): void => {
    rows += 1
    for (const [i, counter] of counters.entries()) counter.add(row[i])
  }
  const data = await readRows(path, contract, count, signal)
  const outputs = await profileOutputs(contract, model, sample.rows)
  return {
    data,
    rows,
    fields: Object.fromEntries(
      counters.flatMap((counter, i) => {
        const field = fields[i]
        // What people wrote is nobody else's to read.
        return field && field.type !== 'text' ? [[field.name, counter.profile()] as const] : []
      }),
    ),
    ...(outputs ? { outputs } : {}),
  }
}

function counterOf(field: GraphField, sample: Row): ProfileCounter {
  if (field.type === 'enum') return categoryCounter(field.values)
  return field.type === 'boolean' ? categoryCounter(['true', 'false']) : numericCounter(sample)
}

async function profileOutputs(
  contract: Contract,
  { loadable, codec }: RunnableModel,
  sample: readonly Row[],
): Promise<ReferenceProfile['outputs']> {
  const records: Prepared[] = []
  for (const row of sample) {
    const prepared = await accepted(codec, toRecord(contract, row))
    if (prepared && records.length < PREDICTED_ROWS) records.push(prepared)
  }
  // The number of the refused is known by that of the answered, so a few of them take others along.
  if (isFew(sample.length - records.length)) records.splice(Math.max(0, sample.length - MIN_ROWS))
  if (records.length < MIN_ROWS) return undefined
  const answers = (await runModel(loadable, codec, records)).map(({ outputs }) => outputs)
  const profiles = contract.outputs.flatMap((output) => {
    const values = answers.map((answer) => cellOf(answer[output.name]))
    const counter = counterOfOutput(output, values)
    for (const value of values) counter?.add(value)
    return counter ? [[output.name, counter.profile()] as const] : []
  })
  return { rows: records.length, profiles: Object.fromEntries(profiles) }
}

/** `undefined` where there is nothing to count: whole tensors, and labels that the contract does not list. */
function counterOfOutput(output: Output, values: readonly Cell[]): ProfileCounter | undefined {
  switch (output.kind) {
    case 'value':
      return numericCounter(values)
    case 'decision':
      return categoryCounter(['true', 'false'])
    case 'band':
      return categoryCounter(output.bands.map(({ label }) => label))
    case 'label':
      return output.labels && categoryCounter(output.labels)
    case 'top-k':
    case 'tensor':
      return undefined
  }
}

function cellOf(value: OutputValue | undefined): Cell {
  if (typeof value !== 'object') return value
  return 'label' in value ? value.label : undefined
}

function toRecord(contract: Contract, row: Row): RecordValue {
  const present = graphFields(recordInput(contract).fields).flatMap(({ name }, i) =>
    row[i] === undefined ? [] : [[name, row[i]] as const],
  )
  return Object.fromEntries(present)
}

/** Rows outside the contract would be refused in the product too, so they have no answer. */
async function accepted(codec: Codec, record: RecordValue): Promise<Prepared | undefined> {
  try {
    return await codec.prepare(record)
  } catch (error) {
    if (error instanceof AfieldError && error.code === 'input/invalid') return undefined
    throw error
  }
}
