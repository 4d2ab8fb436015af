import { SpanKind } from '@opentelemetry/api'
import type { ExchangeRequest } from '../egress/exchange.ts'
import type { TraceSpan } from './trace-span.ts'

/** A request of a function on its way, with its span. */
export interface TracedRequest {
  readonly request: ExchangeRequest
  answered(status: number): void
  /** The connection is free again, or there was no answer. */
  over(error?: unknown): void
}

/**
 * Begins the span of a request, and adds the headers that pass the trace on, unless the function has set them itself: it may belong to a trace of its
 * own. Names are those of the semantic conventions for HTTP clients.
 */
export function traceRequest(parent: TraceSpan, request: ExchangeRequest): TracedRequest {
  const { url, method, headers } = request
  const span = parent.child({
    name: method,
    kind: SpanKind.CLIENT,
    attributes: {
      'http.request.method': method,
      // Without its query, which may hold keys.
      'url.full': `${url.origin}${url.pathname}`,
      'server.address': url.hostname,
      'server.port': url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    },
  })
  let isOver = false
  const isOwn = headers.some(([name]) => name === 'traceparent')
  return {
    request: isOwn ? request : { ...request, headers: [...headers.filter(([name]) => name !== 'tracestate'), ...span.headers()] },
    answered: (status) => span.set({ 'http.response.status_code': status, ...(status >= 400 ? { 'error.type': String(status) } : {}) }),
    over(error) {
      if (isOver) return
      isOver = true
      span.end({ error })
    },
  }
}
