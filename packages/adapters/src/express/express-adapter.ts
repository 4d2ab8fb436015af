import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Platform } from '@cordon/contracts'
import { createFactHandler } from '../handler.ts'
import type { HandlerOptions } from '../handler-options.ts'
import { answer } from '../node/node-adapter.ts'
import { parsedBody, type ParsedBody } from '../node/parsed-body.ts'

/** What is used of an Express request; Express 4 and 5 both have it. */
export interface ExpressRequest extends IncomingMessage, ParsedBody {
  /** Path and query as the client sent them; `url` has the mount path stripped. */
  readonly originalUrl: string
  /** Follows the host's `trust proxy` setting. */
  readonly protocol: string
  /** Address of the client; follows the same setting. */
  readonly ip?: string | undefined
}

/** Express middleware that answers every request below its mount. */
export type ExpressMiddleware = (request: ExpressRequest, response: ServerResponse) => void

/**
 * The HTTP API as Express middleware: `app.use('/cordon', expressAdapter(platform))`. It may stand before or behind
 * `express.json()`; behind it, a body is limited by that parser too.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function expressAdapter(platform: Platform, options?: HandlerOptions): ExpressMiddleware {
  const handle = createFactHandler(platform, options)
  return (request, response) => {
    const changes = () => ({
      // "/cordon?x=1" arrives as "/?x=1" in Express 4 and 5, but not in every router built like them.
      url: request.url?.startsWith('/') === true ? request.url : `/${request.url ?? ''}`,
      originalUrl: request.originalUrl,
      protocol: request.protocol,
      clientAddress: () => request.ip,
      body: parsedBody(request, request),
    })
    void answer(handle, request, response, changes)
  }
}
