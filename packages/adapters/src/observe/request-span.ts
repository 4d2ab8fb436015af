import { parseTraceParent } from '@cordon/contracts'
import {
  context,
  createTraceState,
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
} from '@opentelemetry/api'
import { routePattern } from './route-pattern.ts'

/** Does nothing as long as the host application has no OpenTelemetry SDK. */
const tracer = trace.getTracer('cordon')
/** Others are `_OTHER`, as the semantic conventions have it: whoever sends requests may invent methods. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'])

/**
 * Answers a request in a span of its own, below the one that its headers name. Where the host application has a span for the request already (its
 * own instrumentation of HTTP), that one is enough, and what is called stands below it.
 */
export function inRequestSpan(request: Request, path: string | undefined, answer: () => Promise<Response>): Promise<Response> {
  // Asked for again and again by programs.
  if (path === '/metrics' || path?.startsWith('/health/') === true) return answer()
  const active = context.active()
  if (trace.getSpanContext(active) !== undefined) return answer()
  const parent = remoteContext(active, request.headers)
  const method = methods.has(request.method) ? request.method : '_OTHER'
  const span = quietly(() => tracer.startSpan(method, { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } }, parent))
  return span !== undefined && isSpanContextValid(span.spanContext()) ? answerIn(span, parent, { request, path, answer }) : answer()
}

async function answerIn(
  span: Span,
  parent: Context,
  { request, path, answer }: { request: Request; path: string | undefined; answer: () => Promise<Response> },
): Promise<Response> {
  if (span.isRecording()) describe(span, request, path)
  const response = await context.with(trace.setSpan(parent, span), answer)
  span.setAttribute('http.response.status_code', response.status)
  if (response.status >= 500) {
    span.setAttribute('error.type', String(response.status))
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  quietly(() => span.end())
  return response
}

/** No request fails of what the host application has given its SDK: samplers, processors, exporters. */
function quietly<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}

function describe(span: Span, request: Request, path: string | undefined): void {
  const { protocol, hostname, pathname } = new URL(request.url)
  const route = routePattern(path)
  span.setAttributes({ 'url.scheme': protocol.slice(0, -1), 'server.address': hostname, 'url.path': pathname })
  const verb = methods.has(request.method) ? request.method : 'HTTP'
  span.updateName(route === undefined ? verb : `${verb} ${route}`)
  if (route !== undefined) span.setAttribute('http.route', route)
}

function remoteContext(active: Context, headers: Headers): Context {
  const given = headers.get('traceparent')
  const parsed = given === null ? undefined : parseTraceParent(given)
  if (parsed === undefined) return active
  const { traceId, spanId, isSampled } = parsed
  const state = headers.get('tracestate')
  const traceState = state === null ? {} : { traceState: createTraceState(state) }
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(active, { traceId, spanId, traceFlags, isRemote: true, ...traceState })
}
