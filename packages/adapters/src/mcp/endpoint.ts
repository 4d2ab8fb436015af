import { PlatformError, type FunctionDetails, type InvokeJsonResult, type Platform } from '@cordon/contracts'
import { createMcpHandler, ProtocolError, ProtocolErrorCode, Server, type CallToolResult, type ListToolsResult } from '@modelcontextprotocol/server'
import type { FunctionCaller } from '../routes/caller.ts'
import { problemOf } from '../routes/problem.ts'
import { detailsOf, visibleFunctions } from '../routes/visible-functions.ts'
import { maxMessageBytes } from './message.ts'
import { toolOf } from './tools.ts'

/** A request of a caller, with its JSON-RPC message. */
export interface McpExchange {
  readonly caller: FunctionCaller
  readonly request: Request
  /** The body, parsed. */
  readonly message: Readonly<Record<string, unknown>>
  /** URL as the client sent it. */
  readonly originalUrl: string
  /** Headers as the function may see them. */
  readonly headers: Headers
}

/** Most tools on one page of a list, and the length of their JSON in characters after which a page ends. */
const maxTools = 200
const maxPageLength = 500_000

/**
 * Answers one MCP request. Nothing is kept from one to the next, so there are no sessions, and any host that shares the functions may
 * answer the next one; a call is cancelled by closing its connection.
 */
export async function answerMcp(exchange: McpExchange): Promise<Response> {
  const { method, id } = exchange.message
  // The SDK would hold a stream open for news that never come.
  if (method === 'subscriptions/listen') return Response.json(methodNotFound(id, method))
  const handler = createMcpHandler(() => createServer(exchange))
  return handler.fetch(exchange.request, { parsedBody: exchange.message })
}

function methodNotFound(id: unknown, method: string) {
  const known = typeof id === 'string' || typeof id === 'number' ? id : null
  return { jsonrpc: '2.0', id: known, error: { code: ProtocolErrorCode.MethodNotFound, message: `Cannot find the method "${method}"` } }
}

function createServer(exchange: McpExchange): Server {
  const server = new Server({ name: 'cordon', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler('tools/list', async ({ params }) => listTools(exchange, params?.cursor))
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => callTool(exchange, params, mcpReq.signal))
  return server
}

/** A page of tools. The cursor is the last name before it: functions that come and go in between move nothing. */
async function listTools({ caller }: McpExchange, cursor: string | undefined): Promise<ListToolsResult> {
  const tools: ListToolsResult['tools'] = []
  let length = 0
  for (const info of await visibleFunctions(caller)) {
    if (cursor !== undefined && info.name <= cursor) continue
    const last = tools.at(-1)
    if (last !== undefined && (tools.length >= maxTools || length >= maxPageLength)) return { tools, nextCursor: last.name }
    // A tool takes and gives JSON; what an HTTP function answers is not known.
    const details = info.manifest.handler === 'http' ? undefined : await detailsOf(caller.platform, info)
    if (details === undefined) continue
    const { tool } = toolOf(details)
    length += JSON.stringify(tool).length
    tools.push(tool)
  }
  return { tools }
}

interface CallParams {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
}

async function callTool(exchange: McpExchange, { name, arguments: args }: CallParams, signal: AbortSignal): Promise<CallToolResult> {
  const { caller } = exchange
  const details = await findTool(exchange, name)
  const tool = toolOf(details)
  const input = tool.inputOf(args)
  try {
    await caller.countCall(name)
    const result = await caller.platform.invokeJson(name, input === undefined ? undefined : JSON.stringify(input), {
      request: { method: 'POST', url: exchange.originalUrl, path: '/', headers: Object.fromEntries(exchange.headers) },
      user: caller.user,
      signal: AbortSignal.any([exchange.request.signal, signal]),
    })
    return resultOf(result, tool.contentOf)
  } catch (error) {
    return failureOf(error, caller.platform)
  }
}

/** A tool that the caller cannot see does not exist for him. */
async function findTool({ caller }: McpExchange, name: string): Promise<FunctionDetails> {
  try {
    const details = await caller.platform.functions.get(name)
    if (caller.mayCall(details.manifest.config.access)) return details
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'FUNCTION_NOT_FOUND') throw error
  }
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Cannot find function "${name.slice(0, 63)}": there is no such tool`)
}

function resultOf({ outputJson }: InvokeJsonResult, contentOf: (output: unknown) => Readonly<Record<string, unknown>> | undefined): CallToolResult {
  if (outputJson !== undefined && outputJson.length > maxMessageBytes) {
    throw new PlatformError('OUTPUT_LIMIT', `Cannot give the output as the result of a tool: it has more than ${maxMessageBytes} characters`)
  }
  const output: unknown = outputJson === undefined ? undefined : JSON.parse(outputJson)
  const structured = contentOf(output)
  // A text is given as it is: with quotes and escapes around it a model would have to read JSON.
  const text = typeof output === 'string' ? output : outputJson
  return {
    content: text === undefined ? [] : [{ type: 'text', text }],
    ...(structured === undefined ? {} : { structuredContent: { ...structured } }),
  }
}

/** The same words as over HTTP, for the model to read; the whole problem for the program around it. */
function failureOf(error: unknown, platform: Platform): CallToolResult {
  if (!(error instanceof PlatformError)) {
    platform.options.logger?.error({ error: error instanceof Error ? error.stack : String(error) }, 'Cannot call a tool: unexpected error')
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'Cannot call the tool: an unexpected error, which the host has logged')
  }
  const problem = problemOf(error, { forOwner: false })
  return { isError: true, content: [{ type: 'text', text: problem.detail }], _meta: { 'cordon/problem': { ...problem } } }
}
