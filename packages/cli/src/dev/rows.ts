import { graphFields, type Contract, type Field } from '@afield/protocol'
import { CliError } from '../errors.js'
import { isBlankCell, type Table } from './csv.js'
import { bareName } from './infer/names.js'

/** Rows of the CSV that the page shows and that golden vectors are recorded from. */
const SHOWN_ROWS = 20

/** A row of the CSV as an input of the model. */
export interface ExampleRow {
  /** Counted from 1, without the header. */
  readonly row: number
  readonly input: Readonly<Record<string, number | boolean | string>>
  /** What the CSV says the model should predict. */
  readonly targets: Readonly<Record<string, string>>
}

/**
 * Where each field's values stand, for a contract that somebody wrote.
 *
 * @throws CliError `csv/mismatch` naming the field without a column.
 */
export function matchColumns({ input }: Contract, table: Table, config: string): ReadonlyMap<string, number> {
  if (input.kind !== 'record') {
    throw new CliError(
      'csv/mismatch',
      `${table.path} has rows of fields, and the contract in ${config} takes ${input.kind}: no column fits. Leave the CSV out.`,
    )
  }
  const columns = new Map<string, number>()
  for (const field of input.fields) {
    const at = positionOf(field.name, table.header)
    if (at >= 0) columns.set(field.name, at)
    else if (field.missing === 'reject') throw lacking(field, graphFields(input.fields), table, config)
  }
  return columns
}

/** The first rows of a CSV as records; a cell without a value leaves its field out. */
export function exampleRows(
  { input }: Contract,
  table: Table,
  columns: ReadonlyMap<string, number>,
  targets: readonly string[],
): readonly ExampleRow[] {
  if (input.kind !== 'record') return []
  return table.rows.slice(0, SHOWN_ROWS).map((cells, i) => ({
    row: i + 1,
    input: Object.fromEntries(
      input.fields.flatMap((field) => {
        const cell = cells[columns.get(field.name) ?? -1] ?? ''
        return isBlankCell(cell) ? [] : [[field.name, valueOf(field, cell)] as const]
      }),
    ),
    targets: Object.fromEntries(targets.map((name) => [name, cells[table.header.indexOf(name)] ?? ''])),
  }))
}

/** A cell that is of no such type stays a text: the contract then refuses it by name. */
function valueOf(field: Field, cell: string): number | boolean | string {
  if (field.type === 'boolean')
    return /^(true|1)$/i.test(cell) ? true : /^(false|0)$/i.test(cell) ? false : cell
  const number = Number(cell)
  return (field.type === 'number' || field.type === 'integer') && Number.isFinite(number) ? number : cell
}

function positionOf(name: string, header: readonly string[]): number {
  const exact = header.indexOf(name)
  return exact >= 0 ? exact : header.findIndex((column) => bareName(column) === bareName(name))
}

function lacking(field: Field, fields: readonly Field[], table: Table, config: string): CliError {
  return new CliError(
    'csv/mismatch',
    `${table.path} has no column "${field.name}". The contract in ${config} takes ${fields.map(({ name }) => name).join(', ')}; ` +
      `the header has ${table.header.join(', ')}. Correct either, or delete the contract there to have it inferred anew.`,
  )
}
