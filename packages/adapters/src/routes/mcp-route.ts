import { isRecord, PlatformError } from '@cordon/contracts'
import { maxMessageBytes } from '../mcp/message.ts'
import { parseJson, readBytes } from './body.ts'
import type { Asked, Gate } from './caller.ts'

/** Serves `/mcp`. @throws PlatformError */
export type McpRoute = (request: Request, asked: Asked) => Promise<Response>

/** What the route needs. */
export interface McpRouteOptions {
  readonly gate: Gate
  /** The headers without what a function must not see: the owner's own token. */
  readonly redact: (headers: Headers) => Headers
}

/** The path of the route. */
export const mcpPath = '/mcp'

/** JSON-RPC 2.0, section 5.1. */
const parseError = -32_700
const invalidRequest = -32_600

/** Offers the JSON functions that a caller may call as tools of the Model Context Protocol. */
export function createMcpRoute({ gate, redact }: McpRouteOptions): McpRoute {
  return async (request, { originalUrl, visit }) => {
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow: 'POST, OPTIONS' } })
    if (request.method !== 'POST') throw notAllowed(request.method)
    const caller = await gate.forFunction(request, visit)
    let message: unknown
    try {
      message = parseJson(await readBytes(request, Math.min(maxMessageBytes, caller.platform.options.limits.payloadBytes)))
    } catch (error) {
      if (error instanceof PlatformError && error.code === 'INVALID_INPUT') return failure(parseError, error.message)
      throw error
    }
    // One message a request, as the protocol has it since 2025-06-18: a batch would be many calls for the price of one.
    if (!isRecord(message)) return failure(invalidRequest, 'Cannot read the request: expected one JSON-RPC message')
    // Loaded with the first request: hosts that offer no tools do not pay for it.
    const { answerMcp } = await import('../mcp/endpoint.ts')
    const { url, signal } = request
    const response = await answerMcp({
      caller,
      request: new Request(url, { method: 'POST', headers: request.headers, signal }),
      message,
      originalUrl,
      headers: redact(request.headers),
    })
    response.headers.set('cache-control', 'no-store')
    response.headers.set('x-content-type-options', 'nosniff')
    return response
  }
}

function failure(code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', id: null, error: { code, message } }, { status: 400, headers: { 'x-content-type-options': 'nosniff' } })
}

function notAllowed(method: string): PlatformError {
  const message = `Cannot ${method} ${mcpPath}: expected POST, since there are no sessions and no streams to open`
  return new PlatformError('INVALID_OPTION', message, { details: { http: { status: 405, allow: 'POST, OPTIONS' } } })
}
