import { isUint8Array } from 'node:util/types'
import { connectionHeader, headerName, headerValue, isRecord } from '@cordon/contracts'
import type { ExchangeRequest } from '../egress/exchange.ts'
import { denied, invalidArgument } from './refusal.ts'

const method = 'fetch.start'
/** Most headers of a request, and most characters that they have together with its URL. */
const maxHeaders = 200
const maxHeadLength = 65_536
/** Most bytes of a body that comes with its head; longer ones come piece by piece. */
const maxInlineBytes = 1_048_576
/** Methods that no `fetch` sends (Fetch standard, forbidden methods). */
const forbiddenMethods: readonly string[] = ['CONNECT', 'TRACE', 'TRACK']
/** What a request has that says nothing else. */
const defaultHeaders = [
  ['accept', '*/*'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['user-agent', 'cordon'],
] as const

/** The request that a sandbox asks for. Every part is checked: it comes over the pipe. */
export function readRequest(argument: Readonly<Record<string, unknown>>): ExchangeRequest {
  const { url: text, method: verb, headers, redirect, body, length } = argument
  if (typeof text !== 'string' || text.length > maxHeadLength) throw invalidArgument(method, `a URL of at most ${maxHeadLength} characters`)
  if (typeof verb !== 'string' || verb.length > 50 || !headerName.test(verb) || forbiddenMethods.includes(verb.toUpperCase())) {
    throw invalidArgument(method, 'the method of a request')
  }
  if (redirect !== 'follow' && redirect !== 'manual' && redirect !== 'error') throw invalidArgument(method, 'what to do with redirects')
  const hasBody = body !== undefined
  if (hasBody && (verb === 'GET' || verb === 'HEAD')) throw invalidArgument(method, `no body for ${verb}`)
  const list = readHeaders(headers, text.length)
  if (body === 'stream') {
    const isKnown = typeof length === 'number' && Number.isSafeInteger(length) && length >= 0
    if (length !== undefined && !isKnown) throw invalidArgument(method, 'the length of a body')
    return { url: readUrl(text), method: verb, redirect, headers: isKnown ? [...list, ['content-length', String(length)]] : list, ofOrigin: [], body }
  }
  return {
    url: readUrl(text),
    method: verb,
    redirect,
    headers: list,
    ofOrigin: [],
    body: hasBody ? readBytes(method, isRecord(body) ? body['data'] : body) : undefined,
  }
}

/** Bytes that came as base64. */
export function readBytes(name: string, data: unknown): Uint8Array {
  if (typeof data !== 'string' || data.length > maxInlineBytes * 2) throw invalidArgument(name, 'bytes as base64')
  const bytes = Buffer.from(data, 'base64')
  if (!isUint8Array(bytes) || bytes.length > maxInlineBytes) throw invalidArgument(name, `at most ${maxInlineBytes} bytes`)
  return bytes
}

function readUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw invalidArgument(method, 'an absolute URL')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw denied(`Cannot fetch a URL that begins with "${url.protocol}": only http: and https: are there`)
  if (url.username !== '' || url.password !== '') throw invalidArgument(method, 'a URL without user and password')
  url.hash = ''
  return url
}

function readHeaders(given: unknown, urlLength: number): (readonly [string, string])[] {
  if (!Array.isArray(given) || given.length > maxHeaders) throw invalidArgument(method, `at most ${maxHeaders} headers`)
  let length = urlLength
  const headers: (readonly [string, string])[] = []
  for (const pair of given as readonly unknown[]) {
    const [name, value]: readonly unknown[] = Array.isArray(pair) ? pair : []
    if (typeof name !== 'string' || typeof value !== 'string' || !headerName.test(name) || !headerValue.test(value)) {
      throw invalidArgument(method, 'headers that are names and values')
    }
    length += name.length + value.length
    if (length > maxHeadLength) throw invalidArgument(method, `a head of at most ${maxHeadLength} characters`)
    const lower = name.toLowerCase()
    if (!connectionHeader.test(lower)) headers.push([lower, value])
  }
  for (const row of defaultHeaders) if (!headers.some(([name]) => name === row[0])) headers.push(row)
  return headers
}
