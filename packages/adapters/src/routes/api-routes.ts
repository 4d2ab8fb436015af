import { Hono, type Context as HonoContext } from 'hono'
import { invalidOption, isRecord, PlatformError, type InvokeOptions } from '@cordon/contracts'
import { readJson } from './body.ts'
import type { Gate, Served } from './caller.ts'
import { readDeployment } from './deploy-body.ts'
import { followLogs } from './follow-logs.ts'
import { isFollowing, readInvocationQuery, readLogQuery, readUsageQuery } from './list-query.ts'

/** Serves everything below `/api`. @throws PlatformError whatever a call fails with */
export type ApiRoutes = (request: Request) => Promise<Response>

/** What the API needs. */
export interface ApiRouteOptions {
  /** Ends what would go on for ever. */
  readonly closing: AbortSignal | undefined
  readonly gate: Gate
  /** Largest deploy request in bytes. */
  readonly uploadBytes: number
}

/** 65536 characters, the longest value, are at most this many bytes of JSON: six each when they are all escaped (`\u0001`). */
const maxSecretBytes = 400_000

interface Asked extends Served {
  readonly request: Request
  readonly params: URLSearchParams
  /** The function or secret that the path names; empty when it names none. */
  readonly name: string
}

type Answer = (asked: Asked) => Promise<Response>
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** The routes of the API, one row each; docs/reference/http.md describes paths and shapes. */
function routeTable({ uploadBytes, closing }: ApiRouteOptions): Readonly<Record<string, Partial<Record<Method, Answer>>>> {
  return {
    '/api/functions/deploy': { POST: (asked) => deploy(asked, uploadBytes) },
    '/api/functions/analyze': { POST: (asked) => analyze(asked, uploadBytes) },
    '/api/functions': { GET: async ({ platform }) => list(await platform.functions.list()) },
    '/api/functions/:name': {
      GET: async ({ platform, name }) => json(await platform.functions.get(name)),
      DELETE: remove,
    },
    '/api/functions/:name/versions': { GET: async ({ platform, name }) => list(await platform.functions.versions(name)) },
    '/api/functions/:name/logs': { GET: (asked) => logs(asked, closing) },
    '/api/functions/:name/invocations': { GET: invocations },
    '/api/functions/:name/usage': { GET: usage },
    '/api/functions/:name/rollback': { POST: rollback },
    '/api/functions/:name/invoke': { POST: invoke },
    '/api/secrets': { GET: async ({ platform }) => list(await platform.secrets.list()) },
    '/api/secrets/:name': { PUT: setSecret, DELETE: removeSecret },
    '/api/logs': { GET: (asked) => logs(asked, closing) },
    '/api/invocations': { GET: invocations },
    '/api/usage': { GET: usage },
  }
}

/** Creates the owner's API. */
export function createApiRoutes(options: ApiRouteOptions): ApiRoutes {
  const app = new Hono()
  const table = Object.entries(routeTable(options))
  for (const [path, answers] of table) {
    for (const [method, answer] of Object.entries(answers)) app.on(method, path, async (context) => answer(await ask(context, options.gate)))
  }
  // After all of them: GET …/deploy is a function of that name, and only what nothing answers is a wrong method.
  for (const [path, answers] of table) app.all(path, (context) => answerMethod(context, answers))
  app.notFound((context) => {
    throw new PlatformError('INVALID_OPTION', `Cannot ${context.req.method} ${context.req.path}: there is no such route`, {
      details: { http: { status: 404 } },
    })
  })
  app.onError((error) => {
    throw error
  })
  return async (request) => app.fetch(request)
}

async function ask(context: HonoContext, gate: Gate): Promise<Asked> {
  const request = context.req.raw
  const served = await gate.forApi(request)
  return { ...served, request, params: new URL(request.url).searchParams, name: context.req.param('name') ?? '' }
}

function answerMethod(context: HonoContext, answers: Partial<Record<Method, Answer>>): Response {
  const methods = Object.keys(answers).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const allow = [...methods, 'OPTIONS'].join(', ')
  if (context.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } })
  throw new PlatformError('INVALID_OPTION', `Cannot ${context.req.method} ${context.req.path}: expected ${allow}`, {
    details: { http: { status: 405, allow } },
  })
}

async function deploy({ platform, request, user }: Asked, uploadBytes: number): Promise<Response> {
  return json(await platform.deploy({ ...(await readDeployment(request, uploadBytes)), user }), 201)
}

async function analyze({ platform, request }: Asked, uploadBytes: number): Promise<Response> {
  return json(await platform.analyze(await readDeployment(request, uploadBytes)))
}

async function remove({ platform, name }: Asked): Promise<Response> {
  await platform.functions.remove(name)
  return new Response(null, { status: 204 })
}

async function rollback({ platform, request, name, user }: Asked): Promise<Response> {
  const body = await readOptions(request, platform.options.limits.payloadBytes, ['version'])
  const { version } = body
  if (version !== undefined && typeof version !== 'string') throw invalidOption('version', 'a version id', version)
  return json(await platform.functions.rollback(name, version, { user }))
}

/** `body` is the input; a call that has only a `query` gives that, as `GET /fn/:name` does. */
async function invoke({ platform, request, name, user }: Asked): Promise<Response> {
  const { body, query, version, timeoutMs } = await readOptions(request, platform.options.limits.payloadBytes, [
    'body',
    'query',
    'version',
    'timeoutMs',
  ])
  if (query !== undefined && !isQuery(query)) throw invalidOption('query', 'an object of strings or lists of strings', query)
  if (version !== undefined && typeof version !== 'string') throw invalidOption('version', 'a version id', version)
  if (timeoutMs !== undefined && typeof timeoutMs !== 'number') throw invalidOption('timeoutMs', 'a number', timeoutMs)
  // The headers of this request carry the owner's credentials: the function does not see them.
  const options: InvokeOptions = { version, timeoutMs, user, signal: request.signal, request: { method: 'POST', url: request.url, path: '/', query } }
  const result = await platform.invokeJson(name, JSON.stringify(body === undefined ? query : body), options)
  const { invocationId, outputJson, durationMs, coldStart, used } = result
  const rest = JSON.stringify({ invocationId, version: result.version, durationMs, coldStart, used })
  return jsonResponse(outputJson === undefined ? rest : `{"output":${outputJson},${rest.slice(1)}`)
}

/** The value is in no answer, not even in one that refuses it. */
async function setSecret({ platform, request, name }: Asked): Promise<Response> {
  const { value } = await readOptions(request, maxSecretBytes, ['value'])
  if (typeof value !== 'string') throw invalidOption('value', 'a text', `a ${typeof value}`)
  await platform.secrets.set(name, value)
  return new Response(null, { status: 204 })
}

async function removeSecret({ platform, name }: Asked): Promise<Response> {
  await platform.secrets.remove(name)
  return new Response(null, { status: 204 })
}

async function logs({ platform, request, params, name }: Asked, closing: AbortSignal | undefined): Promise<Response> {
  const query = readLogQuery(params)
  const of = name === '' ? undefined : name
  // A name that does not exist is said as such, not answered with an empty list.
  if (of !== undefined) await platform.functions.get(of)
  if (isFollowing(params)) {
    const signal = closing === undefined ? request.signal : AbortSignal.any([request.signal, closing])
    return followLogs(platform, { name: of, query, signal })
  }
  return json(await platform.logs(of, query))
}

async function invocations({ platform, params, name }: Asked): Promise<Response> {
  if (name !== '') await platform.functions.get(name)
  return json(await platform.invocations(name === '' ? undefined : name, readInvocationQuery(params)))
}

/** A name that is not there is not refused: usage outlives its function. */
async function usage({ platform, params, name }: Asked): Promise<Response> {
  return list(await platform.usage(name === '' ? undefined : name, readUsageQuery(params)))
}

async function readOptions(request: Request, maxBytes: number, keys: readonly string[]): Promise<Record<string, unknown>> {
  const body = (await readJson(request, maxBytes)) ?? {}
  if (!isRecord(body)) throw invalidOption('body', `a JSON object with ${keys.join(', ')}`, body)
  for (const key of Object.keys(body)) if (!keys.includes(key)) throw invalidOption(key, `one of ${keys.join(', ')}`, 'an unknown name')
  return body
}

function isQuery(value: unknown): value is Record<string, string | string[]> {
  return (
    isRecord(value) &&
    Object.values(value).every((one) => typeof one === 'string' || (Array.isArray(one) && one.every((text) => typeof text === 'string')))
  )
}

function list(items: readonly unknown[]): Response {
  return json({ items, next: null })
}

function json(body: unknown, status = 200): Response {
  return jsonResponse(JSON.stringify(body), status)
}

function jsonResponse(text: string, status = 200): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' },
  })
}
