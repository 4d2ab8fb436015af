import { errorTable, invalidOption, isRecord, type LogLevel, type OutcomeKind } from '@cordon/contracts'
import type { RecordFilter } from '../store/record-store.ts'

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const logKeys = ['version', 'level', 'since', 'limit', 'cursor', 'follow', 'signal']
const invocationKeys = ['version', 'outcome', 'since', 'limit', 'cursor']
/** Rows of one page, unless told otherwise and at most. */
const pageRows = { default: 100, max: 1000 }

/** Checks the query of `logs`. @throws PlatformError INVALID_OPTION */
export function logFilter(name: string | undefined, query: unknown): RecordFilter {
  const given = record(query, logKeys)
  const level = given['level']
  if (level !== undefined && !levels.some((one) => one === level)) throw invalidOption('level', `one of ${levels.join(', ')}`, level)
  return { ...common(name, given), level: levels.find((one) => one === level) }
}

/** Checks the query of `invocations`. @throws PlatformError INVALID_OPTION */
export function invocationFilter(name: string | undefined, query: unknown): RecordFilter {
  const given = record(query, invocationKeys)
  const outcome = given['outcome']
  if (outcome !== undefined && !isOutcome(outcome)) throw invalidOption('outcome', "'success' or an error code", outcome)
  return { ...common(name, given), outcome }
}

function record(query: unknown, known: readonly string[]): Record<string, unknown> {
  if (query === undefined) return {}
  if (!isRecord(query)) throw invalidOption('query', 'an object', query)
  const unknown = Object.keys(query).find((key) => !known.includes(key))
  if (unknown !== undefined) throw invalidOption(unknown, `one of ${known.join(', ')}`, 'an unknown name')
  return query
}

function common(name: string | undefined, given: Record<string, unknown>): RecordFilter {
  const { version, since, limit, cursor } = given
  if (name !== undefined && typeof name !== 'string') throw invalidOption('name', 'the name of a function', name)
  if (version !== undefined && typeof version !== 'string') throw invalidOption('version', 'the id of a version', version)
  if (limit !== undefined && !(typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= pageRows.max)) {
    throw invalidOption('limit', `an integer from 1 to ${pageRows.max}`, limit)
  }
  if (cursor !== undefined && !(typeof cursor === 'string' && /^\d{1,15}$/.test(cursor)))
    throw invalidOption('cursor', 'the `next` of a page before', cursor)
  return {
    function: name,
    version,
    since: since === undefined ? undefined : timeOf(since),
    before: cursor === undefined ? undefined : Number(cursor),
    limit: limit ?? pageRows.default,
  }
}

function timeOf(since: unknown): number {
  const time = since instanceof Date ? since.getTime() : since
  if (typeof time === 'number' && Number.isFinite(time)) return Math.trunc(time)
  throw invalidOption('since', 'milliseconds since 1970 or a valid Date', since)
}

function isOutcome(value: unknown): value is OutcomeKind {
  return value === 'success' || (typeof value === 'string' && Object.hasOwn(errorTable, value))
}
