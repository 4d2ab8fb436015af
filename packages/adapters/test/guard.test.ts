import { createServer } from 'node:http'
import { createHandler, type Handler, type HandlerOptions } from '@cordon/adapters'
import { expressAdapter } from '@cordon/adapters/express'
import { fastifyAdapter } from '@cordon/adapters/fastify'
import { honoAdapter } from '@cordon/adapters/hono'
import { koaAdapter } from '@cordon/adapters/koa'
import { nodeAdapter, serve } from '@cordon/adapters/node'
import { getRequestListener } from '@hono/node-server'
import { expect } from 'chai'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { ArrivingBody } from '../dist/routes/arriving-body.js'
import { readBytes } from '../dist/routes/body.js'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { listening, open, sendBytes } from './support/raw-http.ts'

const base = 'https://api.example.com'
const app = 'https://app.example.com'

describe('what stands before the routes', () => {
  let opened: OpenPlatform

  before(async () => {
    opened = await openPlatform(['double', 'site'])
  })
  after(() => opened.close())

  function handlerOf(http: HandlerOptions['http'], options: HandlerOptions = {}): Handler {
    return createHandler(opened.platform, { ...options, http })
  }

  function ask(handler: Handler, path: string, init?: RequestInit): Promise<Response> {
    return handler(new Request(base + path, init))
  }

  function preflight(origin: string, headers: Record<string, string> = {}): RequestInit {
    return { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', ...headers } }
  }

  function from(origin: string): RequestInit {
    return { headers: { origin } }
  }

  /** Who may read a reply, as far as it says so. */
  function readers(response: Response): string | null {
    return response.headers.get('access-control-allow-origin')
  }

  describe('pages of other origins', () => {
    it('are not let in unless asked for, and nothing is said of origins', async () => {
      const handler = handlerOf(undefined)
      const reply = await ask(handler, '/fn/double?n=1', from(app))
      expect([reply.status, readers(reply), reply.headers.get('vary')]).to.deep.equal([200, null, null])
      const question = await ask(handler, '/fn/double', preflight(app))
      expect([question.status, readers(question), question.headers.get('allow')]).to.deep.equal([204, null, 'GET, HEAD, POST, OPTIONS'])
      expect((await ask(handler, '/fn/site', preflight(app))).headers.get('x-answered-by')).to.equal('the site')
    })

    it('on the list are answered what they ask, without the function', async () => {
      const handler = handlerOf({ cors: { origins: [app, 'https://*.preview.example.com'], maxAgeMs: 5500 } })
      const question = await ask(handler, '/fn/site', preflight(app, { 'access-control-request-headers': 'authorization, x-client-info' }))
      expect(question.status).to.equal(204)
      expect(Object.fromEntries(question.headers)).to.deep.equal({
        'access-control-allow-origin': app,
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'authorization, x-client-info',
        'access-control-max-age': '5',
        vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      })
      const reply = await ask(handler, '/fn/double?n=1', from(app))
      expect([reply.status, readers(reply), reply.headers.get('vary')]).to.deep.equal([200, app, 'Origin'])
      expect(reply.headers.get('access-control-expose-headers')).to.contain('x-cordon-invocation-id')
      expect(reply.headers.get('access-control-allow-credentials')).to.equal(null)
      // Failures too: a page that may call has to learn why it did not work.
      for (const path of ['/fn/absent', '/fn/double/%00', '/nowhere', '/functions/v1/absent'])
        expect(readers(await ask(handler, path, from(app))), path).to.equal(app)
      expect(readers(await ask(handler, '/openapi.json', from('https://a.b.preview.example.com')))).to.equal('https://a.b.preview.example.com')
    })

    it('are told apart by the whole origin, and every reply says that it depends on it', async () => {
      const handler = handlerOf({ cors: { origins: [app, 'https://*.preview.example.com', 'http://localhost:5173'], credentials: true } })
      const others = [
        'null',
        'http://app.example.com',
        `${app}:8443`,
        `${app}.evil.test`,
        `${app}/`,
        'https://APP.example.com',
        'https://preview.example.com',
        'https://.preview.example.com.evil.test',
        'https://evil.test/.preview.example.com',
        'https://evil.test?.preview.example.com',
        'https://evil.test#.preview.example.com',
        'https://evil.test:1@a.preview.example.com',
        'https://evil test.preview.example.com',
        `https://${'a.'.repeat(500)}preview.example.com`,
        `${app}, https://evil.test`,
        '*',
        '',
      ]
      for (const origin of others) {
        const reply = await ask(handler, '/nowhere', from(origin))
        expect([readers(reply), reply.headers.get('vary')], origin).to.deep.equal([null, 'Origin'])
        expect(reply.headers.get('access-control-allow-credentials'), origin).to.equal(null)
        expect(readers(await ask(handler, '/nowhere', preflight(origin))), origin).to.equal(null)
      }
      // A cache keeps the reply for who sends no origin, too.
      expect((await ask(handler, '/nowhere')).headers.get('vary')).to.equal('Origin')
      const reply = await ask(handler, '/nowhere', from('https://x.preview.example.com'))
      expect([readers(reply), reply.headers.get('access-control-allow-credentials')]).to.deep.equal(['https://x.preview.example.com', 'true'])
      expect(readers(await ask(handlerOf({ cors: { origins: ['null'] } }), '/nowhere', from('null')))).to.equal('null')
    })

    it('are all let in by "*", with one reply for all and nothing of the visitor', async () => {
      const handler = handlerOf({ cors: { origins: ['*'], headers: ['content-type'], methods: ['post'] } })
      for (const init of [from(app), from('null'), {}]) {
        const reply = await ask(handler, '/nowhere', init)
        expect([readers(reply), reply.headers.get('vary'), reply.headers.get('access-control-allow-credentials')]).to.deep.equal(['*', null, null])
      }
      const question = await ask(handler, '/fn/double', preflight('https://evil.test', { 'access-control-request-headers': 'x-secret' }))
      expect([
        readers(question),
        question.headers.get('access-control-allow-headers'),
        question.headers.get('access-control-allow-methods'),
      ]).to.deep.equal(['*', 'content-type', 'POST'])
      expect(() => handlerOf({ cors: { origins: ['*'], credentials: true } })).to.throw('http.cors.origins')
    })

    it('repeat to nobody what is no list of names', async () => {
      const handler = handlerOf({ cors: { origins: [app] } })
      for (const asked of ['x-a; y="z"', `x-${'a'.repeat(3000)}`, 'x-\u00e4', '<script>']) {
        const question = await ask(handler, '/fn/double', preflight(app, { 'access-control-request-headers': asked }))
        expect([question.status, question.headers.get('access-control-allow-headers')], asked).to.deep.equal([204, null])
      }
    })

    it('leave to a function what it says itself', async () => {
      const reply = await ask(handlerOf({ cors: { origins: [app], credentials: true } }), '/fn/site/open', from(app))
      expect(Object.fromEntries(reply.headers)).to.deep.include({
        'access-control-allow-origin': 'https://friend.example',
        'access-control-expose-headers': 'x-mine',
        vary: 'Accept, Origin',
      })
      expect(reply.headers.get('access-control-allow-credentials')).to.equal(null)
      const question = await ask(handlerOf({ cors: { origins: [app] } }), '/fn/site', preflight('https://friend.example'))
      expect(question.headers.get('x-answered-by')).to.equal('the site')
    })

    it('never get the API or the tools with those of functions', async () => {
      for (const origins of [['*'], [app]]) {
        const handler = handlerOf({ cors: { origins } })
        for (const path of ['/api/functions', '/mcp', '/api']) {
          const reply = await ask(handler, path, from(app))
          expect([reply.status, readers(reply)], path).to.deep.equal([403, null])
          expect(readers(await ask(handler, path, preflight(app))), path).to.equal(null)
        }
      }
      const open = handlerOf({ cors: { apiOrigins: [app] } })
      expect(readers(await ask(open, '/api/functions', preflight(app)))).to.equal(app)
      const reply = await ask(open, '/api/functions', { headers: { origin: app, 'sec-fetch-site': 'cross-site' } })
      expect([reply.status, readers(reply)]).to.deep.equal([200, app])
      expect(readers(await ask(open, '/fn/double?n=1', from(app)))).to.equal(null)
      expect((await ask(open, '/api/functions', from('https://evil.test'))).status).to.equal(403)
    })

    it('cannot send their visitor to the API without asking', async () => {
      const handler = handlerOf(undefined)
      const deploy = { method: 'POST', body: JSON.stringify({ name: 'evil', source: '' }) }
      const requests: readonly [Record<string, string>, number][] = [
        [{ 'content-type': 'text/plain', origin: 'https://evil.test' }, 403],
        [{ 'content-type': 'text/plain', origin: 'null' }, 403],
        [{ 'content-type': 'text/plain', 'sec-fetch-site': 'cross-site' }, 403],
        [{ 'content-type': 'text/plain', 'sec-fetch-site': 'same-site', origin: 'https://other.example.com' }, 403],
        // By the browser's own word, and behind a proxy that speaks HTTPS for a host that does not.
        [{ 'content-type': 'text/plain', origin: 'http://api.example.com' }, 422],
        [{ 'content-type': 'text/plain', origin: base, 'sec-fetch-site': 'same-origin' }, 422],
      ]
      for (const [headers, status] of requests)
        expect((await ask(handler, '/api/functions/deploy', { ...deploy, headers })).status, JSON.stringify(headers)).to.equal(status)
    })
  })

  describe('headers for browsers', () => {
    it('are on what the platform answers, and keep what a function says', async () => {
      const handler = handlerOf({ hstsMs: 86_400_000 })
      for (const path of ['/api/functions', '/openapi.json', '/fn/absent', '/nowhere']) {
        const { headers } = await ask(handler, path)
        expect(Object.fromEntries(headers), path).to.include({
          'x-content-type-options': 'nosniff',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
          'x-frame-options': 'DENY',
          'referrer-policy': 'no-referrer',
          'cross-origin-resource-policy': 'same-origin',
          'strict-transport-security': 'max-age=86400',
        })
      }
      const page = await ask(handler, '/fn/site')
      expect(page.headers.has('content-security-policy') || page.headers.has('x-frame-options')).to.equal(false)
      expect(page.headers.get('strict-transport-security')).to.equal('max-age=86400')
      const framed = await ask(handler, '/fn/site/framed')
      expect(framed.headers.get('content-security-policy')).to.equal('frame-ancestors *')
      expect(framed.headers.get('strict-transport-security')).to.equal('max-age=1')
    })

    it('say nothing of HTTPS where there is none, and nothing at all when switched off', async () => {
      const plain = await handlerOf({ hstsMs: 1000 })(new Request('http://api.example.com/nowhere'))
      expect(plain.headers.has('strict-transport-security')).to.equal(false)
      const off = await ask(handlerOf({ securityHeaders: false }), '/openapi.json')
      expect(off.headers.has('content-security-policy')).to.equal(false)
    })
  })

  it('takes options of a handler one by one over those of the platform, and refuses what is none', async () => {
    const reply = await ask(handlerOf({ cors: { origins: [app], maxAgeMs: undefined } }), '/fn/double', preflight(app))
    expect(reply.headers.get('access-control-max-age')).to.equal('600')
    for (const [http, named] of [
      [5, 'http'],
      [{ cors: 5 }, 'http.cors'],
      [{ cors: { origin: '*' } }, 'http.cors.origin'],
      [{ rateLimit: { perTenant: '5' } }, 'http.rateLimit.perTenant'],
      [JSON.parse('{"__proto__":{"docs":false}}'), 'http.__proto__'],
    ] as const)
      expect(() => handlerOf(http as never), named)
        .to.throw(`"${named}"`)
        .with.property('code', 'INVALID_OPTION')
  })

  describe('limits of requests', () => {
    it('answer 429 with what and when, before anything is read or run', async () => {
      const handler = handlerOf({ rateLimit: { perFunction: 2, windowMs: 30_000 } })
      const first = await ask(handler, '/fn/double?n=1')
      expect([first.status, first.headers.get('ratelimit-policy')]).to.deep.equal([200, '"function";q=2;w=30'])
      expect(first.headers.get('ratelimit')).to.match(/^"function";r=1;t=\d+$/)
      expect((await ask(handler, '/fn/double?n=1')).status).to.equal(200)
      let isRead = false
      const body = new ReadableStream({ pull: () => void (isRead = true) }, { highWaterMark: 0 })
      const refused = await ask(handler, '/fn/double', { method: 'POST', body, duplex: 'half' })
      expect([refused.status, isRead]).to.deep.equal([429, false])
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 30)
      expect(refused.headers.get('ratelimit')).to.match(/^"function";r=0;t=\d+$/)
      const problem = (await refused.json()) as Record<string, unknown>
      expect(problem).to.include({ code: 'OVERLOADED', status: 429, retryable: true })
      expect(problem['detail']).to.match(/^Cannot answer the request: this function may have 2 requests in 30 s\. Try again in \d+ s$/)
      // Neither another function nor the way to it.
      expect((await ask(handler, '/fn/site')).status).to.equal(200)
      expect((await ask(handler, '/functions/v1/double?n=1')).status).to.equal(429)
      expect((await ask(handler, '/fn/absent')).headers.has('ratelimit')).to.equal(false)
    })

    it('count tenants apart, and adds to what a function says of its own', async () => {
      const authenticate = (request: Request) => ({ tenant: request.headers.get('x-tenant') ?? 'default' })
      const handler = handlerOf({ rateLimit: { perTenant: 1, perFunction: 5 } }, { authenticate })
      const framed = await ask(handler, '/fn/site/framed')
      expect(framed.headers.get('ratelimit')).to.match(/^"mine";r=1;t=1, "tenant";r=0;t=\d+, "function";r=4;t=\d+$/)
      expect((await ask(handler, '/fn/double?n=1')).status).to.equal(429)
      expect((await ask(handler, '/fn/double?n=1', { headers: { 'x-tenant': 'acme' } })).status).to.equal(404)
      expect((await ask(handler, '/api/functions')).status).to.equal(200)
      const tool = await ask(handler, '/mcp', { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' })
      expect(tool.status).to.equal(429)
    })

    it('count strangers apart from who is known, also where those have no tenant of their own', async () => {
      const authenticate = (request: Request) => (request.headers.get('authorization') === 'Bearer good' ? {} : null)
      const handler = handlerOf({ rateLimit: { perTenant: 2 } }, { authenticate })
      const statuses: number[] = []
      for (const headers of [{}, {}, {}, { authorization: 'Bearer good' }]) statuses.push((await ask(handler, '/fn/double?n=1', { headers })).status)
      expect(statuses).to.deep.equal([200, 200, 429, 200])
    })

    it('hold for calls of tools', async () => {
      const handler = handlerOf({ rateLimit: { perFunction: 1 } })
      const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'double', arguments: { n: 1 } } }
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
      const results: string[] = []
      for (let index = 0; index < 2; index++)
        results.push(await (await ask(handler, '/mcp', { method: 'POST', headers, body: JSON.stringify(call) })).text())
      expect(results[0]).to.contain('doubled')
      expect(results[1]).to.contain('OVERLOADED')
    })

    it('count client addresses as every server tells them, and believe nobody else', async () => {
      const options: HandlerOptions = { http: { rateLimit: { perAddress: 2 } } }
      const behindProxy: HandlerOptions = { http: { rateLimit: { perAddress: 2 }, trustProxy: 1 } }
      async function fastifyServer(trustProxy: boolean) {
        const server = fastify({ trustProxy })
        await server.register(fastifyAdapter(opened.platform, options))
        await server.ready()
        return server.server
      }
      function expressServer(trustProxy: boolean) {
        return createServer(express().set('trust proxy', trustProxy).use(expressAdapter(opened.platform, options)))
      }
      function koaServer(trustProxy: boolean) {
        const server = new Koa({ proxy: trustProxy })
        const answer = server.use(koaAdapter(opened.platform, options)).callback()
        return createServer((request, response) => void answer(request, response))
      }
      function honoServer(trusts: HandlerOptions) {
        const answer = getRequestListener(new Hono().all('/*', honoAdapter(opened.platform, trusts)).fetch)
        return createServer((request, response) => void answer(request, response))
      }
      const servers = {
        direct: [
          createServer(nodeAdapter(opened.platform, options)),
          await fastifyServer(false),
          expressServer(false),
          koaServer(false),
          honoServer(options),
        ],
        proxied: [
          createServer(nodeAdapter(opened.platform, behindProxy)),
          await fastifyServer(true),
          expressServer(true),
          koaServer(true),
          honoServer(behindProxy),
        ],
      }
      for (const [kind, list] of Object.entries(servers))
        for (const server of list) {
          const host = await listening(server)
          const statuses: number[] = []
          for (let client = 1; client <= 3; client++)
            statuses.push((await fetch(`${host.url}/nowhere`, { headers: { 'x-forwarded-for': `203.0.113.${client}` } })).status)
          await host.stop()
          expect(statuses, kind).to.deep.equal(kind === 'direct' ? [404, 404, 429] : [404, 404, 404])
        }
    })

    it('count what a fetch-style host tells of the client, and no probes of health', async () => {
      const handler = handlerOf({ rateLimit: { perAddress: 1 } })
      const facts = { clientAddress: '2001:db8:1:2::1' }
      const statuses: number[] = []
      for (const address of [facts, { clientAddress: '2001:db8:1:2:ffff::9' }, { clientAddress: '2001:db8:1:3::1' }, {}, undefined])
        statuses.push((await handler(new Request(`${base}/nowhere`), address)).status)
      expect(statuses).to.deep.equal([404, 429, 404, 404, 404])
      expect((await handler(new Request(`${base}/health/live`), facts)).status).to.equal(200)
    })
  })

  describe('slow clients and large heads', () => {
    it('get 408 from the stand-alone server, for a head as for a body', async () => {
      const server = await serve(opened.platform, { port: 0, http: { headersTimeoutMs: 150, requestTimeoutMs: 300 } })
      const host = `host: 127.0.0.1:${server.port}\r\n`
      const replies = await Promise.all([
        sendBytes(server.port, 'GET /fn/double'),
        sendBytes(server.port, `POST /fn/double HTTP/1.1\r\n${host}x-slow: 1\r\n`),
        sendBytes(server.port, `POST /fn/double HTTP/1.1\r\n${host}content-length: 9\r\n\r\n{"n":`),
      ])
      await server.close()
      for (const reply of replies) expect(reply).to.match(/^HTTP\/1\.1 408 /)
    })

    it('get 431 for more headers than anybody sends', async () => {
      const host = await listening(createServer(nodeAdapter(opened.platform)))
      for (const [count, status] of [
        [200, 200],
        [300, 431],
        [3000, 431],
      ]) {
        const headers = Array.from({ length: count ?? 0 }, () => 'a:\r\n').join('')
        const reply = await sendBytes(host.port, `GET /fn/double?n=1 HTTP/1.1\r\nhost: h\r\n${headers}connection: close\r\n\r\n`)
        expect(reply, String(count)).to.match(new RegExp(`^HTTP/1.1 ${status} `))
      }
      await host.stop()
    })

    it('lose large bodies that do not come to an end, the oldest first, when they fill the memory', async () => {
      const host = await listening(createServer(nodeAdapter(opened.platform)))
      const { request, response } = open(`${host.url}/fn/double`, { headers: { 'content-length': '1000' } })
      request.write('{"n":')
      const stalled = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) })
      const read = readBytes(new Request(base, { method: 'POST', body: stalled, duplex: 'half' }), 1000).catch((error: unknown) => error)
      request.on('error', () => undefined)
      const answers: unknown[] = []
      const answered = response.then(({ statusCode }) => answers.push(statusCode))
      // It is not known from here when the host has begun to read.
      while (answers.length === 0) {
        const large = new ArrivingBody(() => undefined)
        large.add(300_000_000)
        large.end()
        await new Promise((resolve) => setImmediate(resolve))
      }
      await answered
      expect(answers).to.deep.equal([503])
      expect(await read).to.include({ code: 'OVERLOADED' })
      // One alone may be as large as its own limit, and what has ended counts no more.
      const large = new ArrivingBody(() => expect.fail('expected room'))
      large.add(300_000_000)
      large.end()
      const next = new ArrivingBody(() => expect.fail('expected room'))
      new ArrivingBody(() => undefined).end()
      next.add(200_000_000)
      next.end()
      await host.stop()
    })
  })
})
