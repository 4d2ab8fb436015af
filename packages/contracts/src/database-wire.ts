import type { QueryResult } from './context.ts'
import type { RawQueryResult } from './function-database.ts'
import { PlatformError } from './errors/platform-error.ts'
import { isRecord } from './options/check.ts'

/**
 * How query values and rows travel between sandbox and host. The pipe carries JSON, so what JSON has no word for is
 * tagged: once per column for rows, per value for parameters. Both sides use these functions; the host treats
 * everything it decodes as hostile.
 */
export type WireValue =
  | null
  | string
  | number
  | boolean
  | { readonly date: string }
  | { readonly bytes: string }
  | { readonly list: readonly WireValue[] }

type ColumnKind = 'plain' | 'date' | 'bytes'

/** Rows on the wire. */
export interface WireResult {
  readonly fields: readonly (readonly [name: string, kind: ColumnKind])[]
  readonly rows: readonly (readonly unknown[])[]
  readonly rowCount: number
}

const bytea = 17
/** date, timestamp, timestamptz: what `pg` parses to a `Date`. */
const dates = new Set([1082, 1114, 1184])
/** Deepest nesting of an array parameter; PostgreSQL's own arrays end at 6 dimensions. */
const maxListDepth = 6

/** Host side: rows as `pg` gives them -> wire. */
export function encodeResult(raw: RawQueryResult): WireResult {
  const kinds = raw.fields.map(({ typeId }): ColumnKind => (typeId === bytea ? 'bytes' : dates.has(typeId) ? 'date' : 'plain'))
  const isPlain = kinds.every((kind) => kind === 'plain')
  return {
    fields: raw.fields.map(({ name }, index) => [name, kinds[index] ?? 'plain'] as const),
    rows: isPlain ? raw.rows : raw.rows.map((row) => row.map((cell, index) => encodeCell(cell, kinds[index]))),
    rowCount: raw.rowCount,
  }
}

function encodeCell(cell: unknown, kind: ColumnKind | undefined): unknown {
  if (kind === 'date') return cell instanceof Date ? cell.toISOString() : cell === null ? null : String(cell)
  if (kind === 'bytes' && cell instanceof Uint8Array) return Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString('base64')
  return cell
}

/** Sandbox side: wire -> one object per row. A timestamp of `infinity` becomes the number `Infinity`, as `pg` does it. */
export function decodeResult<Row>(wire: WireResult): QueryResult<Row> {
  const rows = wire.rows.map((cells) => {
    const row: Record<string, unknown> = {}
    wire.fields.forEach(([name, kind], index) => {
      const value = decodeCell(cells[index], kind)
      // A column may be called __proto__: it is data here.
      Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true })
    })
    return row as Row
  })
  return { rows, rowCount: wire.rowCount }
}

function decodeCell(cell: unknown, kind: ColumnKind): unknown {
  if (typeof cell !== 'string') return cell ?? null
  if (kind === 'bytes') return Buffer.from(cell, 'base64')
  if (kind === 'date') return cell === 'Infinity' ? Infinity : cell === '-Infinity' ? -Infinity : new Date(cell)
  return cell
}

/** Sandbox side: parameters -> wire. Plain objects become JSON text, as `pg` does it. */
export function encodeValues(values: readonly unknown[]): WireValue[] {
  return values.map((value) => encodeValue(value, 0))
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
      throw new TypeError(
        `Cannot use a ${typeof value} as a query parameter: expected a string, number, boolean, bigint, Date, Uint8Array, list or plain object`,
      )
  }
  if (value === null) return null
  if (value instanceof Date) return { date: value.toISOString() }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  if (Array.isArray(value)) {
    if (depth >= maxListDepth) throw new TypeError(`Cannot use a list as a query parameter: it is nested deeper than ${maxListDepth} levels`)
    return { list: value.map((one) => encodeValue(one, depth + 1)) }
  }
  return JSON.stringify(value)
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
