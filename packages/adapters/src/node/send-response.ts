import type { IncomingMessage, ServerResponse } from 'node:http'
import { LateResponse } from '../late/late-response.ts'
import { LateHeaders } from '../late/late-headers.ts'

/** Headers that belong to one connection (RFC 9110, 7.6.1): a function does not decide about the connection of the host. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** How long a client may go on sending a body that nobody reads before the connection is cut, in milliseconds. */
const lingerMs = 1000

/**
 * Writes a web-standard response to a `node:http` one, chunk by chunk, as fast as the client takes them. A body that
 * fails in the middle cuts the connection, so that the client sees it is incomplete. Resolves when all is over; never rejects.
 */
export async function sendResponse(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  limitUnreadBody(incoming, outgoing)
  try {
    writeHead(response, outgoing)
    const text = response instanceof LateResponse ? response.untouched : undefined
    if (text !== undefined && incoming.method !== 'HEAD') return void outgoing.end(text)
    if (response.body === null || incoming.method === 'HEAD') {
      await response.body?.cancel()
      outgoing.end()
      return
    }
    // The client learns status and headers now, even when the first chunk takes its time.
    outgoing.flushHeaders()
    await pump(response.body, outgoing)
  } catch {
    // The head is out or cannot be written: there is no other way left to say that this failed. What was written still arrives.
    if (outgoing.socket === null) outgoing.destroy()
    else outgoing.socket.destroySoon()
  }
}

function writeHead(response: Response, outgoing: ServerResponse): void {
  outgoing.statusCode = response.status
  if (response.statusText !== '') outgoing.statusMessage = response.statusText
  // A function that announces another length than it sends would shift the next response on this connection.
  outgoing.strictContentLength = true
  for (const [name, value] of pairsOf(response.headers)) {
    if (name === 'set-cookie' || hopByHop.has(name)) continue
    // One that is no length, or that has nothing to measure, would leave it to the client where the next response begins.
    if (name === 'content-length' && (!/^\d{1,15}$/.test(value) || response.status === 204)) continue
    // Added, not set: middleware of the host in front may have said what else its replies depend on.
    if (name === 'vary') outgoing.appendHeader(name, value)
    else outgoing.setHeader(name, value)
  }
  // Added, not set: the host's own middleware may have set cookies before.
  for (const cookie of response.headers.getSetCookie()) outgoing.appendHeader('set-cookie', cookie)
}

function pairsOf(headers: Headers): Iterable<[string, string]> {
  const values = headers instanceof LateHeaders ? headers.untouched : undefined
  return values === undefined ? headers : Object.entries(values)
}

async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader()
  // A close may come while we wait for a chunk that never will.
  const onClose = (): void => void reader.cancel().catch(() => undefined)
  outgoing.once('close', onClose)
  // Nor does one that came before say so again.
  if (outgoing.destroyed) onClose()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (outgoing.destroyed) return
      if (done) break
      if (!outgoing.write(value)) await drained(outgoing)
    }
    outgoing.end()
  } catch (error) {
    await reader.cancel().catch(() => undefined)
    throw error
  } finally {
    outgoing.off('close', onClose)
  }
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function done(): void {
      outgoing.off('drain', done).off('close', done)
      resolve()
    }
    outgoing.on('drain', done).on('close', done)
  })
}

/** Node reads and drops what is left of a request body after the response, without an end. */
function limitUnreadBody(incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (incoming.complete) return
  outgoing.once('finish', () => {
    if (incoming.complete || incoming.destroyed) return
    const timer = setTimeout(() => incoming.socket.destroy(), lingerMs)
    incoming.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer))
  })
}
