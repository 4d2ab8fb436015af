import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { PlatformError } from '@cordon/contracts'

const signals = new WeakMap<Socket, AbortSignal>()

/** Aborted when the client goes away before the response is complete. */
export function exchangeSignal(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController()
  function onClose(): void {
    if (!outgoing.writableFinished) abort(controller)
  }
  // Middleware in front may have waited so long that the client is gone already.
  if (outgoing.destroyed) onClose()
  else outgoing.once('close', onClose)
  return controller.signal
}

/**
 * Aborted when the connection is closed: one for all requests that come on it, because a signal costs as much as a tenth of a short call. Only for
 * those who stop listening when they have what they wait for: between two requests a connection is closed without anybody having gone away.
 */
export function connectionSignal({ httpVersionMajor, socket }: IncomingMessage, outgoing: ServerResponse): AbortSignal {
  // In HTTP/2 requests on one connection are given up one by one.
  if (httpVersionMajor !== 1 || !(socket instanceof Socket)) return exchangeSignal(outgoing)
  const known = signals.get(socket)
  if (known !== undefined) return known
  const controller = new AbortController()
  signals.set(socket, controller.signal)
  if (socket.destroyed) abort(controller)
  else socket.once('close', () => abort(controller))
  return controller.signal
}

/** Responses that wait behind another one on their connection (pipelining), by connection. */
const waiting = new WeakMap<Socket, Set<ServerResponse>>()

/**
 * Closes a response with its connection. Node does so once it is the response's turn; one that waits behind another hears nothing, and whoever waits for its
 * `close` would wait for ever.
 */
export function closeWithConnection({ socket }: IncomingMessage, outgoing: ServerResponse): void {
  if (outgoing.socket !== null || !(socket instanceof Socket)) return
  const known = waiting.get(socket)
  const behind = known ?? new Set<ServerResponse>()
  behind.add(outgoing)
  outgoing.once('close', () => behind.delete(outgoing))
  // One listener for all: a client may send a thousand requests at once.
  if (known !== undefined) return
  waiting.set(socket, behind)
  socket.once('close', () => {
    for (const one of behind) {
      if (one.socket !== null) continue
      one.destroy()
      one.emit('close')
    }
  })
}

function abort(controller: AbortController): void {
  controller.abort(new PlatformError('CANCELLED', 'Cannot finish the request: the client closed the connection'))
}
