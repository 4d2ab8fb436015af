import type { Server, ServerResponse } from 'node:http'
import { Server as TcpServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** How long a server takes to let go of its connections. */
export interface DrainOptions {
  /** Shortest time in milliseconds for which everything is still taken: whoever watches `/health/ready` needs it to look away. */
  readonly noticeMs: number
  /** After this time in milliseconds, counted from when nothing new is taken, what still runs is cut. */
  readonly graceMs: number
}

/** The connections of a server. */
export interface Connections {
  /** Lets go of them without losing a request that is on its way; resolves with the number of requests that had to be cut. */
  drain(options: DrainOptions): Promise<number>
  /** Makes `drain` cut everything now. */
  hasten(): void
}

/** How long a connection may be idle before the server closes it, in milliseconds; the default of Node, which tells clients so in `Keep-Alive`. */
const keepAliveMs = 5000
/** Node >= 24.6 closes this much later than it says (`keepAliveTimeoutBuffer`), in milliseconds. */
const keepAliveBufferMs = 1000

/**
 * Follows the connections of a server. Closing an idle connection loses the request that a client is sending on it, which the client may not repeat when it is no
 * GET; Node's own `close` does that (nodejs/node#60617), as nginx did before `keepalive_min_timeout` and HAProxy without `idle-close-on-response`. Here such a request
 * is answered, with `Connection: close`, and an idle connection is closed at the time that the client was told before.
 */
export function followConnections(server: Server): Connections {
  const open = new Set<Socket>()
  const running = new Set<ServerResponse>()
  const hurry = new AbortController()
  let isDraining = false
  server.keepAliveTimeout = keepAliveMs
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', (_incoming, outgoing) => {
    running.add(outgoing)
    outgoing.once('close', () => running.delete(outgoing))
    if (isDraining) markLast(running)
  })
  return {
    async drain({ noticeMs, graceMs }) {
      isDraining = true
      markLast(running)
      // Everything is still taken: new connections bring one request each, those of before end with their next one.
      await Promise.all([allClosed(open, Math.min(keepAliveMs + keepAliveBufferMs, graceMs), hurry.signal), elapsed(noticeMs, hurry.signal)])
      // Not `server.close()`, which closes idle connections.
      TcpServer.prototype.close.call(server)
      const silent = setTimeout(() => {
        for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
      }, keepAliveMs)
      await allClosed(open, graceMs, hurry.signal)
      clearTimeout(silent)
      const cut = running.size
      server.closeAllConnections()
      // Ends the timer with which the server watches its connections.
      server.close()
      await allClosed(open, graceMs)
      return cut
    },
    hasten: () => hurry.abort(),
  }
}

/** Says on the last answer of each connection that it is the last; not on one before it, behind which pipelined requests wait. */
function markLast(running: ReadonlySet<ServerResponse>): void {
  const marked = new Set<Socket>()
  for (const outgoing of [...running].toReversed()) {
    const { socket } = outgoing.req
    if (!outgoing.headersSent) {
      if (marked.has(socket)) outgoing.removeHeader('connection')
      else outgoing.setHeader('connection', 'close')
    }
    marked.add(socket)
  }
}

/** Resolves when every one of these sockets is closed, at the latest after `ms`, or when told to. */
function allClosed(sockets: ReadonlySet<Socket>, ms: number, hurry?: AbortSignal): Promise<void> {
  const left = new Set(sockets)
  if (left.size === 0) return Promise.resolve()
  const allGone = new AbortController()
  for (const socket of left) {
    socket.once('close', () => {
      left.delete(socket)
      if (left.size === 0) allGone.abort()
    })
  }
  return elapsed(ms, hurry === undefined ? allGone.signal : AbortSignal.any([allGone.signal, hurry]))
}

/** Resolves after `ms`, or when told to. */
function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => undefined)
}
