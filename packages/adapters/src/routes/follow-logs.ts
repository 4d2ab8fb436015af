import type { LogQuery, Platform } from '@cordon/contracts'

/** What to follow. */
export interface FollowOptions {
  readonly name: string | undefined
  readonly query: LogQuery
  /** Ends the stream when the receiver goes away. */
  readonly signal: AbortSignal
}

/** Streams log entries as they come, one JSON object a line (`application/x-ndjson`), until the receiver goes away or the platform closes. */
export function followLogs(platform: Platform, options: FollowOptions): Response {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const entries = platform.logs(options.name, { ...options.query, follow: true, signal })[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await entries.next()
      if (next.done === true) return controller.close()
      controller.enqueue(encoder.encode(`${JSON.stringify(next.value)}\n`))
    },
    async cancel() {
      stop.abort()
      await entries.return?.()
    },
  })
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' } })
}
