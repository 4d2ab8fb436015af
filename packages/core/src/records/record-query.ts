import { errorTable, invalidOption, isRecord, readGiven, type OutcomeKind } from '@cordon/contracts'
import { checkFunctionName } from '../deploy/function-name.ts'
import { levels } from '../store/log-levels.ts'
import { dayMs } from '../store/record-partitions.ts'
import type { UsageDays } from '../store/usage.ts'
import type { RecordFilter, RecordPlace } from '../store/record-reader.ts'

const logKeys = ['version', 'level', 'since', 'until', 'limit', 'cursor', 'follow', 'signal']
const invocationKeys = ['version', 'outcome', 'since', 'until', 'limit', 'cursor']
/** Rows of one page, unless told otherwise and at most. */
const pageRows = { default: 100, max: 1000 }

/** Days of usage that are shown unless told otherwise. */
const usageDaysShown = 30
const isDay = /^\d{4}-\d\d-\d\d$/

/** Latest time that a `Date` can hold, in milliseconds since 1970 (ECMA-262, 21.4.1.1). */
const maxTime = 8_640_000_000_000_000

/** Checks the query of `logs`. @throws PlatformError INVALID_OPTION */
export function logFilter(name: string | undefined, query: unknown): RecordFilter {
  const given = record(query, logKeys)
  const { level, follow } = given
  if (follow !== undefined && typeof follow !== 'boolean') throw invalidOption('follow', 'true or false', follow)
  if (level !== undefined && !levels.some((one) => one === level)) throw invalidOption('level', `one of ${levels.join(', ')}`, level)
  return { ...common(name, given), level: levels.find((one) => one === level) }
}

/** What ends a follower besides the platform. @throws PlatformError INVALID_OPTION */
export function followSignal(query: unknown): AbortSignal | undefined {
  const { signal } = record(query, logKeys)
  return readGiven('signal', () => {
    if (signal === undefined || signal instanceof AbortSignal) return signal
    throw invalidOption('signal', 'an AbortSignal', signal)
  })
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
  // Copied, so that a getter is asked once and its failure is the caller's.
  const given = readGiven('query', () => (isRecord(query) ? { ...query } : undefined))
  if (given === undefined) throw invalidOption('query', 'an object', query)
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined) throw invalidOption(unknown, `one of ${known.join(', ')}`, 'an unknown name')
  return given
}

function common(name: string | undefined, given: Record<string, unknown>): RecordFilter {
  const { version, since, until, limit, cursor } = given
  if (name !== undefined && typeof name !== 'string') throw invalidOption('name', 'the name of a function', name)
  if (version !== undefined && (typeof version !== 'string' || version.includes('\0'))) throw invalidOption('version', 'the id of a version', version)
  if (limit !== undefined && !(typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= pageRows.max)) {
    throw invalidOption('limit', `an integer from 1 to ${pageRows.max}`, limit)
  }
  return {
    function: name,
    version,
    since: since === undefined ? undefined : timeOf('since', since),
    until: until === undefined ? undefined : timeOf('until', until),
    before: cursor === undefined ? undefined : placeOf(cursor),
    limit: limit ?? pageRows.default,
  }
}

function placeOf(cursor: unknown): RecordPlace {
  const [, time, seq] = (typeof cursor === 'string' && /^(\d{1,15})-(\d{1,15})$/.exec(cursor)) || []
  if (time === undefined || seq === undefined) throw invalidOption('cursor', 'the `next` of a page before', cursor)
  return { time: Number(time), seq: Number(seq) }
}

function timeOf(name: 'since' | 'until', given: unknown): number {
  const time = readGiven(name, () => (given instanceof Date ? given.getTime() : given))
  if (typeof time === 'number' && Math.abs(time) <= maxTime) return Math.trunc(time)
  throw invalidOption(name, 'milliseconds since 1970 or a valid Date', given)
}

function isOutcome(value: unknown): value is OutcomeKind {
  return value === 'success' || (typeof value === 'string' && Object.hasOwn(errorTable, value))
}

/** Checks the query of `usage`. @throws PlatformError INVALID_OPTION */
export function usageDays(name: unknown, query: unknown): UsageDays {
  // Not one that is there: usage outlives its function.
  const checked = name === undefined ? undefined : checkFunctionName(name)
  const { since, until } = record(query, ['since', 'until'])
  return {
    name: checked,
    since: since === undefined ? dayText(Date.now() - usageDaysShown * dayMs) : dayGiven('since', since),
    until: until === undefined ? dayText(Date.now()) : dayGiven('until', until),
  }
}

function dayGiven(name: 'since' | 'until', given: unknown): string {
  const time = readGiven(name, () =>
    given instanceof Date ? given.getTime() : typeof given === 'string' && isDay.test(given) ? Date.parse(given) : Number.NaN,
  )
  // What PostgreSQL and people read alike: four digits for the year.
  if (time >= 0 && time < Date.UTC(10_000, 0)) return dayText(time)
  throw invalidOption(name, 'a day such as 2026-01-31, or a Date', given)
}

function dayText(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
