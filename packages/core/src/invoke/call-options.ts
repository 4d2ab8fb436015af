import { invalidOption, isRecord, PlatformError, type ContextRequest, type FetchOptions, type InvokeOptions, type User } from '@cordon/contracts'

const invokeKeys = ['version', 'request', 'user', 'signal', 'timeoutMs']
const fetchKeys = ['version', 'originalUrl', 'user', 'signal', 'timeoutMs']
const requestKeys = ['method', 'url', 'path', 'query', 'headers']

/** `ctx.request` of a call that came from host code and said nothing about a request. */
const directRequest: ContextRequest = Object.freeze({
  method: 'POST',
  url: '/',
  path: '/',
  query: Object.freeze({}),
  headers: Object.freeze({}),
})

/** Options of a call without options: one object, so that the common call allocates none. */
export const noOptions: InvokeOptions & FetchOptions = Object.freeze({})

/** Checks the options of `invoke`. @throws PlatformError INVALID_OPTION */
export function checkInvokeOptions(options: InvokeOptions): void {
  checkOptions(options, invokeKeys)
}

/** Checks the options of `fetch`. @throws PlatformError INVALID_OPTION */
export function checkFetchOptions(options: FetchOptions): void {
  checkOptions(options, fetchKeys)
  const { originalUrl } = options
  if (originalUrl !== undefined && typeof originalUrl !== 'string') throw invalidOption('originalUrl', 'a URL', originalUrl)
}

function checkOptions(options: unknown, known: readonly string[]): void {
  if (!isRecord(options)) throw invalidOption('options', 'an object', options)
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw invalidOption(key, `one of ${known.join(', ')}`, 'an unknown name')
  }
  const { version, user, signal, timeoutMs } = options
  if (version !== undefined && typeof version !== 'string') throw invalidOption('version', 'the id of a version', version)
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalidOption('signal', 'an AbortSignal', signal)
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && Number.isInteger(timeoutMs) && timeoutMs >= 1)) {
    throw invalidOption('timeoutMs', 'an integer of at least 1', timeoutMs)
  }
  if (user !== undefined) checkUser(user)
}

function checkUser(user: unknown): void {
  if (!isRecord(user) || typeof user['id'] !== 'string') throw invalidOption('user', 'an object with an id', user)
  try {
    JSON.stringify(user)
  } catch (error) {
    throw new PlatformError(
      'INVALID_OPTION',
      `Cannot use option "user": expected data that JSON can hold, got ${error instanceof Error ? error.message : 'something else'}`,
      {
        details: { option: 'user' },
      },
    )
  }
}

/** `ctx.request` from what the caller gave. @throws PlatformError INVALID_OPTION */
export function contextRequest(given: InvokeOptions['request']): ContextRequest {
  if (given === undefined) return directRequest
  if (!isRecord(given)) throw invalidOption('request', 'an object', given)
  const unknown = Object.keys(given).find((key) => !requestKeys.includes(key))
  if (unknown !== undefined) throw invalidOption(`request.${unknown}`, `one of ${requestKeys.join(', ')}`, 'an unknown name')
  const path = textOr('path', given.path, '/')
  return {
    method: textOr('method', given.method, directRequest.method),
    url: textOr('url', given.url, path),
    path,
    query: given.query === undefined ? directRequest.query : textRecord('query', given.query, isQueryValue),
    headers: given.headers === undefined ? directRequest.headers : textRecord('headers', given.headers, isText),
  }
}

/** The user as the sandbox gets it. */
export function userOf({ user }: { readonly user?: User | undefined }): User | null {
  return user ?? null
}

function textOr(key: string, value: unknown, fallback: string): string {
  if (value === undefined) return fallback
  if (typeof value === 'string') return value
  throw invalidOption(`request.${key}`, 'a string', value)
}

function textRecord<T>(key: string, given: unknown, accepts: (value: unknown) => value is T): Record<string, T> {
  if (!isRecord(given)) throw invalidOption(`request.${key}`, 'an object from name to string', given)
  const copy: Record<string, T> = Object.create(null) as Record<string, T>
  for (const [name, value] of Object.entries(given)) {
    if (!accepts(value)) throw invalidOption(`request.${key}.${name}`, 'a string', value)
    copy[name] = value
  }
  return copy
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isQueryValue(value: unknown): value is string | readonly string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every(isText))
}
