import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Platform } from '@cordon/contracts'
import { resolveHttp } from '../guard/http-options.ts'
import { createFactHandler, type FactHandler } from '../handler.ts'
import type { HandlerOptions } from '../handler-options.ts'
import { problemResponse } from '../routes/problem.ts'
import { forwardedChanges } from './forwarded.ts'
import { parsedBody } from './parsed-body.ts'
import { sendResponse } from './send-response.ts'
import { closeWithConnection } from './signals.ts'
import { toRequest, type RequestChanges } from './to-request.ts'

/** A listener for `http.createServer`, and what frameworks on top of `node:http` are given. Never throws. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/**
 * The HTTP API as a listener: `http.createServer(nodeAdapter(platform))`.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function nodeAdapter(platform: Platform, options?: HandlerOptions): NodeListener {
  const handle = createFactHandler(platform, options)
  const { trustProxy } = resolveHttp(platform, options)
  return (incoming, outgoing) => {
    // Middleware in front may have read the socket, and leaves on the request what it read.
    const parsed: object = incoming
    void answer(handle, incoming, outgoing, () => ({ ...forwardedChanges(incoming, trustProxy), body: parsedBody(incoming, parsed) }))
  }
}

/** Runs one exchange; never rejects. `changesOf` may refuse the request by throwing. */
export async function answer(
  handle: FactHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  changesOf: () => RequestChanges,
): Promise<void> {
  closeWithConnection(incoming, outgoing)
  await sendResponse(await respond(handle, incoming, { outgoing, changesOf }), incoming, outgoing)
}

async function respond(
  handle: FactHandler,
  incoming: IncomingMessage,
  { outgoing, changesOf }: { outgoing: ServerResponse; changesOf: () => RequestChanges },
): Promise<Response> {
  try {
    const changes = changesOf()
    const { request, originalUrl } = toRequest(incoming, outgoing, changes)
    return await handle(request, { originalUrl, clientAddress: changes.clientAddress })
  } catch (error) {
    return problemResponse(error, { forOwner: false })
  }
}
