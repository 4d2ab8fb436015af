import type { Platform } from '@cordon/contracts'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { createFactHandler } from '../handler.ts'
import type { HandlerOptions } from '../handler-options.ts'
import { answer } from '../node/node-adapter.ts'
import { parsedBody } from '../node/parsed-body.ts'
import { pathOf } from '../node/to-request.ts'

/**
 * The HTTP API as a Fastify plugin: `app.register(fastifyAdapter(platform), { prefix: '/cordon' })`. Below the prefix bodies stream
 * to the functions instead of being parsed; headers that hooks of the host have set on the reply are kept.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function fastifyAdapter(platform: Platform, options?: HandlerOptions): FastifyPluginCallback {
  const handle = createFactHandler(platform, options)
  return (instance, _options, done) => {
    // Holds for this plugin alone: the host's other routes keep their parsers.
    instance.removeAllContentTypeParsers()
    instance.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
    const prefixSegments = instance.prefix.replace(/\/$/, '').split('/').length - 1

    function serve(request: FastifyRequest, reply: FastifyReply): void {
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
      const { raw, originalUrl, protocol } = request
      // The parser of the host, or a hook in front of it, may have read the socket.
      const parsed: object = request
      const changes = () => ({
        url: withoutSegments(pathOf(raw.url ?? '/'), prefixSegments),
        originalUrl,
        protocol,
        clientAddress: () => request.ip,
        body: parsedBody(raw, parsed),
      })
      void answer(handle, raw, reply.raw, changes)
    }

    instance.all('/', serve)
    instance.all('/*', serve)
    done()
  }
}

/** Path and query without the first segments of the path: a prefix may hold parameters, so its length is not known. */
function withoutSegments(url: string, count: number): string {
  const queryStart = url.indexOf('?')
  const path = queryStart === -1 ? url : url.slice(0, queryStart)
  const query = queryStart === -1 ? '' : url.slice(queryStart)
  return `/${path
    .split('/')
    .slice(count + 1)
    .join('/')}${query}`
}
