import { readFile } from 'node:fs/promises'
import { CsvError, parse } from 'csv-parse/sync'
import { CliError } from '../errors.js'
import { isMissing } from '../read-file.js'
import { unreadable } from '../publish/read-input.js'

/** Rows that types are read from. */
const READ_ROWS = 1000
const MAX_BYTES = 64 * 1024 * 1024

/** The beginning of a CSV: its header, and its cells as text. */
export interface Table {
  readonly path: string
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What stands in a cell that has no value. */
const MISSING = new Set(['', 'na', 'n/a', 'nan', 'null', 'none'])

export function isBlankCell(cell: string): boolean {
  return MISSING.has(cell.toLowerCase())
}

/**
 * Reads the first rows of a CSV.
 *
 * @throws CliError `csv/invalid` naming the line or the column; `file/missing`, `file/unreadable`.
 */
export async function readTable(path: string): Promise<Table> {
  const [header, ...rows] = parseRows(await readText(path), path)
  if (!header || rows.length === 0) throw new CliError('csv/invalid', `${path} has no rows below its header.`)
  for (const [i, name] of header.entries()) {
    if (name === '')
      throw new CliError('csv/invalid', `Column ${i + 1} of ${path} has no name in its header.`)
    if (header.indexOf(name) !== i) throw new CliError('csv/invalid', `${path} has two columns "${name}".`)
  }
  return { path, header, rows }
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path)
    if (bytes.length <= MAX_BYTES) return bytes.toString('utf8')
    // A row that was cut in two would be refused as such.
    const head = bytes.subarray(0, MAX_BYTES).toString('utf8')
    return head.slice(0, head.lastIndexOf('\n') + 1)
  } catch (cause) {
    if (isMissing(cause)) throw new CliError('file/missing', `There is no CSV at ${path}.`, { cause })
    throw unreadable(path, 'CSV', cause)
  }
}

function parseRows(text: string, path: string): readonly (readonly string[])[] {
  try {
    return parse(text, { bom: true, trim: true, skip_empty_lines: true, to: READ_ROWS + 1 })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const { lines } = cause
    const where = typeof lines === 'number' ? `, line ${lines}` : ''
    throw new CliError('csv/invalid', `${path} is not a CSV file (${cause.code}${where}).`, { cause })
  }
}
