import { createServer, type IncomingHttpHeaders } from 'node:http'

/** A server that notes what it was asked with. */
export interface HeadersElsewhere {
  readonly port: number
  /** Those of the last request. */
  readonly headers: IncomingHttpHeaders
  close(): Promise<void>
}

/** A server that functions ask. */
export async function listenElsewhere(): Promise<HeadersElsewhere> {
  let headers: IncomingHttpHeaders = {}
  const elsewhere = createServer((incoming, outgoing) => {
    ;({ headers } = incoming)
    outgoing.end('here')
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  const address = elsewhere.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get headers() {
      return headers
    },
    close: () => new Promise((resolve) => elsewhere.close(() => resolve())),
  }
}
