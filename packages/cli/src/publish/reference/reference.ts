import {
  AfieldError,
  decodeOutputs,
  encodeRecords,
  graphFields,
  recordInput,
  type Contract,
  type GraphField,
  type Outputs,
  type OutputValue,
  type Profile,
  type RecordValue,
  type ReferenceProfile,
} from '@afield/protocol'
import { runModel, type LoadableModel } from '../replay.js'
import { MIN_ROWS, isFew } from './disclosure.js'
import { categoryCounter, numericCounter, type ProfileCounter } from './profile.js'
import { readRows, type Cell, type Row } from './rows.js'
import { RowSample } from './sample.js'

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
  model: LoadableModel,
  signal?: AbortSignal,
): Promise<ReferenceProfile> {
  const fields = graphFields(recordInput(contract).fields)
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
      counters.map((counter, i) => [fields[i]?.name ?? '', counter.profile()] as const),
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
  model: LoadableModel,
  sample: readonly Row[],
): Promise<ReferenceProfile['outputs']> {
  const records = sample
    .map((row) => toRecord(contract, row))
    .filter((record) => isAccepted(contract, record))
    .slice(0, PREDICTED_ROWS)
  // The number of the refused is known by that of the answered, so a few of them take others along.
  if (isFew(sample.length - records.length)) records.splice(Math.max(0, sample.length - MIN_ROWS))
  if (records.length < MIN_ROWS) return undefined
  const tensors = await runModel(model, encodeRecords(contract, records))
  const answers = decodeOutputs(contract, tensors, records.length)
  const profiles = contract.outputs.map(({ name }) => [name, profileOutput(answers, name)] as const)
  return { rows: records.length, profiles: Object.fromEntries(profiles) }
}

function profileOutput(answers: readonly Outputs[], name: string): Profile {
  const values = answers.map((answer) => cellOf(answer[name]))
  const numeric = values.some((value) => typeof value === 'number')
  const counter = numeric ? numericCounter(values) : categoryCounter(['true', 'false'])
  for (const value of values) counter.add(value)
  return counter.profile()
}

function cellOf(value: OutputValue | undefined): Cell {
  return typeof value === 'object' ? undefined : value
}

function toRecord(contract: Contract, row: Row): RecordValue {
  const present = graphFields(recordInput(contract).fields).flatMap(({ name }, i) =>
    row[i] === undefined ? [] : [[name, row[i]] as const],
  )
  return Object.fromEntries(present)
}

/** Rows outside the contract would be refused in the product too, so they have no answer. */
function isAccepted(contract: Contract, record: RecordValue): boolean {
  try {
    encodeRecords(contract, [record])
    return true
  } catch (error) {
    if (error instanceof AfieldError && error.code === 'input/invalid') return false
    throw error
  }
}
