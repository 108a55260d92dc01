import { CliError } from '../../errors.js'
import { isBlankCell, type Table } from '../csv.js'

/** Distinct texts up to which a column counts as a list of categories rather than as free text. */
const MAX_CATEGORIES = 50

/** What the values of a column have in common. */
export type ColumnType =
  | { readonly type: 'integer' | 'number'; readonly min: number; readonly max: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'text' }

export interface Column {
  readonly name: string
  /** Position in the CSV. */
  readonly at: number
  readonly values: ColumnType
  /** Whether cells are empty. */
  readonly gaps: boolean
}

/** @throws CliError `csv/invalid` for a column without any value. */
export function columnsOf(table: Table): readonly Column[] {
  return table.header.map((name, at) => {
    const cells = table.rows.map((row) => row[at] ?? '')
    const present = cells.filter((cell) => !isBlankCell(cell))
    if (present.length === 0) {
      throw new CliError(
        'csv/invalid',
        `The column "${name}" of ${table.path} has no value in its first ${table.rows.length} rows, so nothing tells its type. ` +
          'Write one, or take the column out.',
      )
    }
    return { name, at, values: typeOf(present), gaps: present.length < cells.length }
  })
}

function typeOf(cells: readonly string[]): ColumnType {
  const numbers = cells.map(Number)
  if (numbers.every(Number.isFinite)) {
    const type = numbers.every(Number.isSafeInteger) ? 'integer' : 'number'
    return { type, min: Math.min(...numbers), max: Math.max(...numbers) }
  }
  if (cells.every((cell) => /^(true|false)$/i.test(cell))) return { type: 'boolean' }
  const distinct = [...new Set(cells)].sort()
  const repeats = distinct.length < cells.length || cells.length < 3
  if (distinct.length <= MAX_CATEGORIES && repeats && distinct.every((value) => value.length <= 200)) {
    return { type: 'enum', values: distinct }
  }
  return { type: 'text' }
}
