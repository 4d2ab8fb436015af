import type { SqlSessionResult } from '@cordon/core/database'
import { escapeLine } from '../output/escape.ts'
import { formatTable } from '../output/table.ts'

/** A result for people: a table and the number of rows, or the command and what it changed. Values are those of the server, made safe for a terminal. */
export function renderResult({ command, rowCount, columns, rows }: SqlSessionResult): string {
  if (columns.length === 0) return rowCount === null ? command : `${command} ${rowCount}`
  const cells = rows.map((row) => row.map((value) => (value === null ? 'NULL' : escapeLine(String(value)))))
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`
  return `${formatTable(
    columns.map((name) => escapeLine(name)),
    cells,
  )}\n${count}`
}

/** A result for programs, on one line; of two columns with one name the last counts. */
export function resultJson({ command, rowCount, columns, rows }: SqlSessionResult): string {
  return JSON.stringify({ command, rowCount, rows: rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]]))) })
}
