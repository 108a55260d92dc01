import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { graphFields, recordInput, type Contract, type GraphField, type Sha256 } from '@afield/protocol'
import { CsvError, parse } from 'csv-parse'
import { CliError } from '../../errors.js'
import { isMissing } from '../../read-file.js'
import { unreadable } from '../read-input.js'

/** A field's value in a row; `undefined` where the cell is empty or says so. */
export type Cell = number | string | boolean | undefined

/** The cells of a row in the order of the contract's fields. */
export type Row = readonly Cell[]

const MAX_RECORD_BYTES = 1024 * 1024
const MISSING = new Set(['', 'na', 'n/a', 'nan', 'null', 'none'])
const BOOLEANS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/**
 * Reads a CSV row by row, without ever holding more than a few of them.
 *
 * @returns the hash of the file's bytes.
 * @throws CliError `reference/invalid` naming the fields that the header lacks, or the row and field of what cannot
 *   be read as the contract's type (never the value); `file/missing`, `file/unreadable`.
 */
export async function readRows(
  path: string,
  contract: Contract,
  onRow: (row: Row, index: number) => void,
  signal?: AbortSignal,
): Promise<Sha256> {
  const fields = graphFields(recordInput(contract).fields)
  const hash = createHash('sha256')
  const file = createReadStream(path, signal ? { signal } : {})
  const rows = parse({ bom: true, trim: true, skip_empty_lines: true, max_record_size: MAX_RECORD_BYTES })
  file.on('data', (bytes) => hash.update(bytes))
  file.on('error', (error) => rows.destroy(error))
  file.pipe(rows)
  let columns: readonly number[] | undefined
  let count = 0
  try {
    for await (const record of rows as AsyncIterable<readonly string[]>) {
      if (columns === undefined) {
        columns = columnsOf(record, fields, path)
        continue
      }
      const number = count + 1
      onRow(
        columns.map((column, i) => readCell(record[column] ?? '', fields[i], number, path)),
        count++,
      )
    }
  } catch (cause) {
    throw asRefusal(cause, path)
  }
  if (count === 0) throw new CliError('reference/invalid', `${path} has no rows below its header.`)
  return hash.digest('hex') as Sha256
}

function columnsOf(
  header: readonly string[],
  fields: readonly GraphField[],
  path: string,
): readonly number[] {
  const columns = fields.map(({ name }) => header.indexOf(name))
  const missing = fields.filter((_, i) => columns[i] === -1).map(({ name }) => name)
  const twice = fields.filter(({ name }) => header.indexOf(name) !== header.lastIndexOf(name))
  if (missing.length > 0) {
    throw new CliError(
      'reference/invalid',
      `${path} has no column for ${shorten(missing)}. Its header must name every field of the contract; ` +
        `other columns are passed over.`,
    )
  }
  if (twice[0]) throw new CliError('reference/invalid', `${path} has two columns "${twice[0].name}".`)
  return columns
}

function readCell(text: string, field: GraphField | undefined, row: number, path: string): Cell {
  if (!field || MISSING.has(text.toLowerCase())) return undefined
  if (field.type === 'enum' || field.type === 'text') return text
  const value = field.type === 'boolean' ? BOOLEANS.get(text.toLowerCase()) : Number(text)
  if (typeof value === 'boolean' || Number.isFinite(value)) return value
  throw new CliError(
    'reference/invalid',
    `Row ${row} of ${path} has no ${field.type} in the column "${field.name}".`,
  )
}

function asRefusal(cause: unknown, path: string): unknown {
  if (cause instanceof CsvError) {
    const { lines } = cause
    return new CliError(
      'reference/invalid',
      `${path} is not a CSV file (${cause.code}${typeof lines === 'number' ? `, line ${lines}` : ''}).`,
      {
        cause,
      },
    )
  }
  if (isMissing(cause))
    return new CliError('file/missing', `There is no training data at ${path}.`, { cause })
  const ofSystem = cause instanceof Error && 'syscall' in cause
  return ofSystem ? unreadable(path, 'training data', cause) : cause
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`)
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ')
}
