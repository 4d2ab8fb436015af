import type { QueryResult } from './context.ts'
import { readCell, writeDate } from './database-values.ts'
import type { RawCursorPage, RawQueryResult } from './function-database.ts'
import { PlatformError } from './errors/platform-error.ts'
import { isRecord } from './options/check.ts'

/**
 * How query values and rows travel between sandbox and host. The pipe carries JSON, so parameters that JSON has no word for are
 * tagged. Both sides use these functions; the host treats everything it decodes as hostile.
 */
export type WireValue =
  | null
  | string
  | number
  | boolean
  | { readonly date: string }
  | { readonly bytes: string }
  | { readonly list: readonly WireValue[] }

/** Rows on the wire: values as the text that PostgreSQL sent, with the types that say how to read it. */
export interface WireResult {
  readonly fields: readonly (readonly [name: string, typeId: number])[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly rowCount: number
}

/** Rows of a cursor on the wire. */
export interface WirePage extends Omit<WireResult, 'rowCount'> {
  readonly cursor: number
  /** No more rows come; the cursor is closed. */
  readonly isLast: boolean
}

/** Deepest nesting of an array parameter; PostgreSQL's own arrays end at 6 dimensions. */
const maxListDepth = 6

/** Host side: rows as they come from the server -> wire. */
export function encodeResult({ fields, rows, rowCount }: RawQueryResult): WireResult {
  return { fields: encodeFields(fields), rows, rowCount }
}

/** Host side: rows of a cursor -> wire. */
export function encodePage({ cursor, fields, rows, isLast }: RawCursorPage): WirePage {
  return { cursor, fields: encodeFields(fields), rows, isLast }
}

function encodeFields(fields: RawQueryResult['fields']): WireResult['fields'] {
  return fields.map(({ name, typeId }) => [name, typeId] as const)
}

/** Sandbox side: wire -> one object per row. */
export function decodeResult<Row>({ fields, rows, rowCount }: WireResult): QueryResult<Row> {
  return { rows: decodeRows<Row>(fields, rows), rowCount }
}

/** Sandbox side: the rows of a result or a page, one object each. `docs/guides/database.md` says what becomes of which type. */
export function decodeRows<Row>(fields: WireResult['fields'], rows: WireResult['rows']): Row[] {
  return rows.map((cells) => {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < fields.length; index++) {
      const [name, typeId] = fields[index] ?? ['', 0]
      const cell = cells[index] ?? null
      const value = cell === null ? null : readCell(typeId, cell)
      // A column may be called __proto__: it is data here.
      if (name === '__proto__') Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true })
      else row[name] = value
    }
    return row as Row
  })
}

/** Sandbox side: parameters -> wire. Plain objects become JSON text, as `pg` does it. */
export function encodeValues(values: readonly unknown[]): WireValue[] {
  if (!Array.isArray(values)) throw new TypeError('Cannot run the query: its values are not a list')
  // Not `map`: it would leave the holes of a list out.
  return Array.from(values, (value) => encodeValue(value, 0))
}

function encodeValue(value: unknown, depth: number): WireValue {
  switch (typeof value) {
    case 'undefined':
      return null
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return value.toString()
    case 'object':
      break
    default:
      throw unusable(`a ${typeof value}`, '')
  }
  if (value === null) return null
  if (value instanceof Date) return { date: writeDate(value) }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  if (Array.isArray(value)) {
    if (depth >= maxListDepth) throw new TypeError(`Cannot use a list as a query parameter: it is nested deeper than ${maxListDepth} levels`)
    return { list: Array.from(value, (one) => encodeValue(one, depth + 1)) }
  }
  // JSON has nothing for these: it would silently be `{}`.
  if (value instanceof Promise) throw unusable('a Promise', '. Await it first')
  if (value instanceof Map || value instanceof Set || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    throw unusable(`a ${Object.prototype.toString.call(value).slice(8, -1)}`, '')
  }
  return JSON.stringify(value) ?? null
}

function unusable(what: string, remedy: string): TypeError {
  return new TypeError(
    `Cannot use ${what} as a query parameter: expected a string, number, boolean, bigint, Date, Uint8Array, list or plain object${remedy}`,
  )
}

/**
 * Host side: hostile data -> parameters for `pg`.
 *
 * @throws PlatformError INVALID_INPUT
 */
export function decodeValues(wire: unknown): unknown[] {
  if (!Array.isArray(wire)) throw wrongValue()
  return wire.map((value) => decodeValue(value, 0))
}

function decodeValue(value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (!isRecord(value) || depth > maxListDepth) throw wrongValue()
  if (typeof value['date'] === 'string') return value['date']
  if (typeof value['bytes'] === 'string') return Buffer.from(value['bytes'], 'base64')
  if (Array.isArray(value['list'])) return value['list'].map((one) => decodeValue(one, depth + 1))
  throw wrongValue()
}

function wrongValue(): PlatformError {
  return new PlatformError('INVALID_INPUT', 'Cannot run the query: its values are not a list of strings, numbers, booleans, dates, bytes and lists')
}
