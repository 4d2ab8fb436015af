import type { Platform } from '@cordon/contracts'
import type { Middleware } from 'koa'
import { createFactHandler, pathBelow } from '../handler.ts'
import type { HandlerOptions } from '../handler-options.ts'
import { answer } from '../node/node-adapter.ts'
import { parsedBody } from '../node/parsed-body.ts'

/**
 * The HTTP API as Koa middleware: `app.use(mount('/cordon', koaAdapter(platform)))` with `koa-mount`, or without it
 * `app.use(koaAdapter(platform, { basePath: '/cordon' }))`. Koa 2 and 3 are the same to it; it may stand before or
 * behind a body parser, and passes on what is not below its mount.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function koaAdapter(platform: Platform, options?: HandlerOptions): Middleware {
  const handle = createFactHandler(platform, options)
  const basePath = options?.basePath ?? ''
  return async (context, next) => {
    const { req, res, url, originalUrl, protocol } = context
    // Body parsers add to it what its own type does not have.
    const request: object = context.request
    if (pathBelow(url.split('?', 1)[0] ?? '', basePath) === undefined) return void (await next())
    context.respond = false
    const changes = () => ({ url, originalUrl, protocol, clientAddress: () => context.ip, body: parsedBody(req, request) })
    await answer(handle, req, res, changes)
  }
}
