import { isRecord, PlatformError } from '@cordon/contracts'
import type { Row } from './sql.ts'

/** Reads a text column. @throws PlatformError STORE_UNAVAILABLE when the row is not what the schema says */
export function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  throw unexpected(column)
}

/** Reads a text column that may be null. */
export function optionalTextOf(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column)
}

/** Reads a number column; `bigint` columns arrive as text and are safe integers here. */
export function numberOf(row: Row, column: string): number {
  const value = row[column]
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw unexpected(column)
}

/** Reads a boolean column. */
export function flagOf(row: Row, column: string): boolean {
  const value = row[column]
  if (typeof value === 'boolean') return value
  throw unexpected(column)
}

/** Reads a bytea column that holds UTF-8 text. */
export function bytesTextOf(row: Row, column: string): string {
  const value = row[column]
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
  throw unexpected(column)
}

/** Reads a `json` column that holds an object. */
export function recordOf(row: Row, column: string): Record<string, unknown> {
  const value = row[column]
  const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value
  if (isRecord(parsed)) return parsed
  throw unexpected(column)
}

function unexpected(column: string): PlatformError {
  return new PlatformError('STORE_UNAVAILABLE', `Cannot read the store: column "${column}" does not hold what this version of Cordon writes`)
}
