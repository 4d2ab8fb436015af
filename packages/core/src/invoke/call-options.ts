import {
  invalidOption,
  isRecord,
  PlatformError,
  reasonOf,
  type ContextRequest,
  type FetchOptions,
  type InvokeOptions,
  type User,
} from '@cordon/contracts'
import { checkBytes } from './input-json.ts'

const invokeKeys = ['version', 'request', 'user', 'signal', 'timeoutMs']
const fetchKeys = ['version', 'originalUrl', 'user', 'signal', 'timeoutMs']
/** A request has a head even where payloads are tiny: the limit of Node's own HTTP server, in bytes. */
const minHeadBytes = 16_384
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

/** Checks the options of `invoke`. @throws PlatformError INVALID_OPTION, PAYLOAD_TOO_LARGE for a user above `payloadBytes` */
export function checkInvokeOptions(options: InvokeOptions, payloadBytes: number): void {
  checkOptions(options, invokeKeys, payloadBytes)
}

/** Checks the options of `fetch`. @throws PlatformError INVALID_OPTION, PAYLOAD_TOO_LARGE for a user above `payloadBytes` */
export function checkFetchOptions(options: FetchOptions, payloadBytes: number): void {
  checkOptions(options, fetchKeys, payloadBytes)
  const { originalUrl } = options
  if (originalUrl !== undefined && typeof originalUrl !== 'string') throw invalidOption('originalUrl', 'a URL', originalUrl)
}

function checkOptions(options: unknown, known: readonly string[], payloadBytes: number): void {
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
  if (user !== undefined) checkUser(user, payloadBytes)
}

function checkUser(user: unknown, payloadBytes: number): void {
  if (!isRecord(user) || typeof user['id'] !== 'string') throw invalidOption('user', 'an object with an id', user)
  let json: string
  try {
    json = JSON.stringify(user)
  } catch (error) {
    throw new PlatformError('INVALID_OPTION', `Cannot use option "user": expected data that JSON can hold, got ${reasonOf(error)}`, {
      details: { option: 'user' },
    })
  }
  // A `toJSON` may make it anything.
  if (typeof json !== 'string') throw invalidOption('user', 'data that JSON can hold', user)
  checkText([json], payloadBytes)
}

/** `ctx.request` from what the caller gave. @throws PlatformError INVALID_OPTION, PAYLOAD_TOO_LARGE above `payloadBytes` */
export function contextRequest(given: InvokeOptions['request'], payloadBytes: number): ContextRequest {
  if (given === undefined) return directRequest
  if (!isRecord(given)) throw invalidOption('request', 'an object', given)
  const unknown = Object.keys(given).find((key) => !requestKeys.includes(key))
  if (unknown !== undefined) throw invalidOption(`request.${unknown}`, `one of ${requestKeys.join(', ')}`, 'an unknown name')
  const path = textOr('path', given.path, '/')
  const request = {
    method: textOr('method', given.method, directRequest.method),
    url: textOr('url', given.url, path),
    path,
    query: given.query === undefined ? directRequest.query : textRecord('query', given.query, isQueryValue),
    headers: given.headers === undefined ? directRequest.headers : textRecord('headers', given.headers, isText),
  }
  checkLength(request.method.length + request.url.length + path.length + lengthOf(request.query) + lengthOf(request.headers), payloadBytes)
  return request
}

/** Characters of the names and values of a record. */
function lengthOf(record: Readonly<Record<string, string | readonly string[]>>): number {
  let length = 0
  for (const name of Object.keys(record)) {
    const value = record[name] ?? ''
    length += name.length
    if (typeof value === 'string') length += value.length
    else for (const one of value) length += one.length
  }
  return length
}

/**
 * Refuses what would fill a sandbox before the function runs: the limit of the payload, counted in characters, holds for what is around it too.
 *
 * @throws PlatformError PAYLOAD_TOO_LARGE
 */
export function checkText(parts: readonly string[], payloadBytes: number): void {
  let length = 0
  for (const part of parts) length += part.length
  checkLength(length, payloadBytes)
}

function checkLength(length: number, payloadBytes: number): void {
  if (length > Math.max(payloadBytes, minHeadBytes)) checkBytes(length, Math.max(payloadBytes, minHeadBytes))
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
  // Copied before it is looked at, as a whole: it may have getters, and V8 copies whole objects several times faster than their entries.
  const copy = { ...given }
  for (const name of Object.keys(copy)) {
    if (!accepts(copy[name])) throw invalidOption(`request.${key}.${name}`, 'a string', copy[name])
  }
  return copy as Record<string, T>
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isQueryValue(value: unknown): value is string | readonly string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every(isText))
}
