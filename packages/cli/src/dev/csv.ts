import { createReadStream } from 'node:fs'
import { CsvError, parse } from 'csv-parse/sync'
import { CliError } from '../errors.js'
import { isMissing } from '../read-file.js'
import { unreadable } from '../publish/read-input.js'

/** Rows that types are read from. */
const READ_ROWS = 1000
const MAX_BYTES = 64 * 1024 * 1024
const LINE_FEED = 0x0a

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
 * Reads the first rows of a CSV, whose cells stand between commas, semicolons or tabs.
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

/** The file's beginning; of a larger one, whole lines: a row that was cut in two would be refused as such. */
async function readText(path: string): Promise<string> {
  const head = await readHead(path)
  const whole = head.length <= MAX_BYTES ? head : head.subarray(0, head.lastIndexOf(LINE_FEED) + 1)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(whole)
  } catch (cause) {
    throw new CliError('csv/invalid', `${path} is not in UTF-8. Save it anew as "CSV UTF-8".`, { cause })
  }
}

async function readHead(path: string): Promise<Uint8Array> {
  try {
    const parts: Uint8Array[] = []
    for await (const part of createReadStream(path, { end: MAX_BYTES })) parts.push(part as Uint8Array)
    return Buffer.concat(parts)
  } catch (cause) {
    if (isMissing(cause)) throw new CliError('file/missing', `There is no CSV at ${path}.`, { cause })
    throw unreadable(path, 'CSV', cause)
  }
}

function parseRows(text: string, path: string): readonly (readonly string[])[] {
  const delimiter = delimiterOf(text)
  try {
    const rows: string[][] = parse(text, { delimiter, trim: true, skip_empty_lines: true, to: READ_ROWS + 1 })
    return delimiter === ';' ? rows.map((row) => row.map(withPoint)) : rows
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const { lines } = cause
    const where = typeof lines === 'number' ? `, line ${lines}` : ''
    throw new CliError('csv/invalid', `${path} is not a CSV file (${cause.code}${where}).`, { cause })
  }
}

/** What stands most often in the header, outside of quotes. */
function delimiterOf(text: string): string {
  const [header = ''] = text.trimStart().split(/\r?\n/, 1)
  const plain = header.replaceAll(/"[^"]*"/g, '')
  const count = (delimiter: string): number => plain.split(delimiter).length
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best))
}

/** Where `;` separates, `,` is the decimal point. */
function withPoint(cell: string): string {
  return /^[+-]?\d+,\d+$/.test(cell) ? cell.replace(',', '.') : cell
}
