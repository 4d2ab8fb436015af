import { errorTable, invalidOption, type InvocationQuery, type LogLevel, type LogQuery, type OutcomeKind, type UsageQuery } from '@cordon/contracts'

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Reads `?version&level&since&until&limit&cursor`. @throws PlatformError INVALID_OPTION naming the parameter */
export function readLogQuery(params: URLSearchParams): LogQuery {
  return {
    ...readPaging(params),
    level: oneOf(params, 'level', levels),
  }
}

/** Reads `?version&outcome&since&until&limit&cursor`. @throws PlatformError INVALID_OPTION naming the parameter */
export function readInvocationQuery(params: URLSearchParams): InvocationQuery {
  const outcomes: readonly string[] = ['success', ...Object.keys(errorTable)]
  const outcome = params.get('outcome') ?? undefined
  if (outcome !== undefined && !isOutcome(outcome)) throw invalidOption('outcome', `one of ${outcomes.join(', ')}`, outcome)
  return { ...readPaging(params), outcome }
}

/** Reads `?since&until`: days such as `2026-01-31`, which the platform checks. */
export function readUsageQuery(params: URLSearchParams): UsageQuery {
  return { since: params.get('since') ?? undefined, until: params.get('until') ?? undefined }
}

/** True for `?follow`, `?follow=1` and `?follow=true`. */
export function isFollowing(params: URLSearchParams): boolean {
  const follow = params.get('follow')
  return follow === '' || follow === '1' || follow === 'true'
}

/** The values of a query string: a name that occurs once is a string, otherwise a list of strings. */
export function readQuery(params: URLSearchParams): Record<string, string | string[]> {
  // One pass: asking for each name would go through all of them again every time.
  const query = new Map<string, string | string[]>()
  for (const [name, value] of params) {
    const before = query.get(name)
    if (before === undefined) query.set(name, value)
    else if (typeof before === 'string') query.set(name, [before, value])
    else before.push(value)
  }
  return Object.fromEntries(query)
}

function readPaging(params: URLSearchParams): Pick<LogQuery, 'version' | 'since' | 'until' | 'limit' | 'cursor'> {
  return {
    version: params.get('version') ?? undefined,
    since: readTime('since', params),
    until: readTime('until', params),
    limit: readLimit(params.get('limit')),
    cursor: params.get('cursor') ?? undefined,
  }
}

function readLimit(text: string | null): number | undefined {
  if (text === null) return undefined
  if (!/^[1-9]\d{0,3}$/.test(text)) throw invalidOption('limit', 'an integer from 1 to 9999', text)
  return Number(text)
}

/** Milliseconds since 1970, or anything that `Date` reads without doubt (ISO 8601). */
function readTime(name: 'since' | 'until', params: URLSearchParams): number | undefined {
  const text = params.get(name)
  if (text === null) return undefined
  const time = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw invalidOption(name, 'milliseconds since 1970 or an ISO 8601 date', text)
  return time
}

function oneOf<T extends string>(params: URLSearchParams, name: string, values: readonly T[]): T | undefined {
  const text = params.get(name)
  if (text === null) return undefined
  const found = values.find((one) => one === text)
  if (found === undefined) throw invalidOption(name, `one of ${values.join(', ')}`, text)
  return found
}

function isOutcome(text: string): text is OutcomeKind {
  return text === 'success' || Object.hasOwn(errorTable, text)
}
