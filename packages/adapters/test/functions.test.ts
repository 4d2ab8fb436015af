import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { createHandler } from '@cordon/adapters'
import { nodeAdapter } from '@cordon/adapters/node'
import type { FunctionDetails } from '@cordon/contracts'
import type { InvocationRecord } from '@cordon/core'
import { expect } from 'chai'
import { toolOf } from '../dist/mcp/tools.js'
import { queryInput } from '../dist/routes/query-input.js'
import { fixture, openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { listening, open, sendBytes } from './support/raw-http.ts'

describe('functions over HTTP', () => {
  let opened: OpenPlatform
  let host: Awaited<ReturnType<typeof listening>>

  before(async () => {
    opened = await openPlatform(['double', 'nothing', 'fails', 'slow', 'internal', 'members', 'maybe', 'web', 'search'], {
      limits: { payloadBytes: 100_000 },
    })
    host = await listening(createServer(nodeAdapter(opened.platform)))
  })
  after(async () => {
    await host.stop()
    await opened.close()
  })

  async function json(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
    return (await (await fetch(host.url + path, init)).json()) as Record<string, unknown>
  }

  function nextInvocation(): Promise<InvocationRecord> {
    return new Promise((resolve) => {
      const stop = opened.platform.on('invocation', (record) => {
        stop()
        resolve(record)
      })
    })
  }

  describe('a JSON function', () => {
    it('takes the body of a POST as input and answers with the bare output', async () => {
      const response = await fetch(`${host.url}/fn/double/some/path?x=1`, { method: 'POST', body: '{"n":4}' })
      expect(response.status).to.equal(200)
      expect(response.headers.get('content-type')).to.equal('application/json')
      expect(response.headers.get('x-cordon-invocation-id')).to.match(/^\S+$/)
      const body = (await response.json()) as { doubled: number; request: Record<string, unknown> }
      expect(body.doubled).to.equal(8)
      expect(body.request).to.deep.include({ method: 'POST', url: `${host.url}/fn/double/some/path?x=1`, path: '/some/path', query: { x: '1' } })
    })

    it('takes the query of a GET as input', async () => {
      expect(await json('/fn/double?n=3')).to.include({ doubled: 6 })
      expect(await json('/fn/maybe?__proto__=1&a=1&a=2')).to.deep.equal(JSON.parse('{"input":{"__proto__":"1","a":["1","2"]}}'))
    })

    it('reads numbers, truth values and lists out of a query where the schema has them', async () => {
      const read = async (query: string) => (await json(`/fn/search?${query}`))['input']
      expect(await read('text=1&page=2&exact=false&tags=a&sizes=1&sizes=2.5&order=1')).to.deep.equal({
        text: '1',
        page: 2,
        exact: false,
        tags: ['a'],
        sizes: [1, 2.5],
        order: 1,
      })
      expect(await read('text=true&other=7&order=up')).to.deep.equal({ text: 'true', other: '7', order: 'up' })
      for (const query of ['text=a&page=', 'text=a&page=0x1', 'text=a&page=1&page=2', 'text=a&text=b', 'text=a&exact=1', 'page=1', 'text=a&sizes=x'])
        expect(await json(`/fn/search?${query}`), query).to.include({ status: 400, code: 'INVALID_INPUT' })
    })

    it('looks once at what a schema leads to on many ways, or back to', () => {
      const ways = (name: string) => ({ anyOf: [...Array.from({ length: 16 }, () => ({ $ref: `#/$defs/${name}` })), { $ref: '#/$defs/a' }] })
      const size = { type: 'object', properties: { size: { $ref: '#/$defs/size' } } }
      const $defs = { a: ways('b'), b: ways('c'), c: ways('d'), d: ways('e'), e: ways('f'), f: size, size: { type: 'integer' } }
      const schema = { anyOf: [{ $ref: '#/$defs/a' }], $defs }
      expect(queryInput({ size: '2', other: '2' }, schema)).to.deep.equal(queryInput({ size: 2, other: '2' } as never, undefined))
      const details = { name: 'ways', schemas: { input: schema, output: { ...schema, $defs: { ...$defs, f: {} } } } } as unknown as FunctionDetails
      expect(toolOf(details).tool).to.have.nested.property('inputSchema.anyOf')
      expect(toolOf(details).tool.outputSchema).to.have.property('required').that.deep.equals(['output'])
    })

    it('says where an input does not fit', async () => {
      const reply = await json('/fn/search', { method: 'POST', body: '{"text":1,"order":"left"}' })
      expect(reply).to.include({ status: 400, code: 'INVALID_INPUT', origin: 'caller' })
      expect(reply['issues']).to.deep.equal([
        { path: '/text', expected: 'string', got: 'number 1' },
        { path: '/order', expected: '"up" or "down" or 1', got: 'string of length 4' },
      ])
    })

    it('answers 204 when there is no output', async () => {
      const response = await fetch(`${host.url}/fn/nothing`, { method: 'POST' })
      expect(response.status).to.equal(204)
    })

    it('answers HEAD without a body, OPTIONS with what is allowed and other methods with 405', async () => {
      const head = await fetch(`${host.url}/fn/double?n=3`, { method: 'HEAD' })
      expect([head.status, await head.text()]).to.deep.equal([200, ''])
      const options = await fetch(`${host.url}/fn/double`, { method: 'OPTIONS' })
      expect([options.status, options.headers.get('allow')]).to.deep.equal([204, 'GET, HEAD, POST, OPTIONS'])
      const put = await fetch(`${host.url}/fn/double`, { method: 'PUT', body: '1' })
      expect([put.status, put.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD, POST, OPTIONS'])
    })

    it('answers failures with the status of their kind, without stacks', async () => {
      const failed = await json('/fn/fails')
      expect(failed).to.include({ status: 502, code: 'FUNCTION_ERROR', origin: 'function' })
      expect(failed).not.to.have.property('error')
      expect(await json('/fn/slow')).to.include({ status: 504, code: 'TIMEOUT' })
      expect(await json('/fn/absent')).to.include({ status: 404, code: 'FUNCTION_NOT_FOUND' })
      expect(await json('/fn/double', { method: 'POST', body: '{' })).to.include({ status: 400, code: 'INVALID_INPUT' })
      expect(await json('/fn/double', { method: 'POST', body: new Uint8Array([34, 255, 34]) })).to.include({ status: 400, code: 'INVALID_INPUT' })
      expect(await json('/fn/double', { method: 'POST', body: `${'['.repeat(40_000)}${']'.repeat(40_000)}` })).to.include({
        status: 400,
        code: 'INVALID_INPUT',
      })
    })

    it('refuses a body that is too large, whether its length is announced or not', async () => {
      expect(await json('/fn/double', { method: 'POST', body: 'x'.repeat(200_000) })).to.include({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
      const { request, response } = open(`${host.url}/fn/double`)
      request.on('error', () => undefined)
      request.write('x'.repeat(200_000))
      expect((await response).statusCode).to.equal(413)
      request.destroy()
    })

    it('is cancelled when the client goes away', async () => {
      const record = nextInvocation()
      const { request, response } = open(`${host.url}/fn/slow`)
      response.catch(() => undefined)
      request.end('{}')
      await waitForRunning()
      request.destroy()
      expect((await record).outcome).to.equal('CANCELLED')
    })
  })

  describe('access', () => {
    it('keeps internal functions inside', async () => {
      expect(await json('/fn/internal')).to.include({ status: 403, code: 'FORBIDDEN' })
      expect((await opened.platform.invoke('internal')).output).to.equal('inside')
    })

    it('asks for credentials where the function does', async () => {
      expect(await json('/fn/members')).to.include({ status: 401, code: 'UNAUTHENTICATED' })
      const handle = createHandler(opened.platform, { authenticate: (request) => (request.headers.has('x-user') ? { user: { id: 'ada' } } : null) })
      expect((await handle(new Request('http://h/fn/members'))).status).to.equal(401)
      const response = await handle(new Request('http://h/fn/members', { headers: { 'x-user': 'ada' } }))
      expect(await response.json()).to.deep.include({ user: { id: 'ada' } })
      expect((await handle(new Request('http://h/fn/double?n=1'))).status).to.equal(200)
    })
  })

  describe('a function whose kind only running tells', () => {
    it('is found out once and then remembered', async () => {
      for (const n of [1, 2]) expect(await json('/fn/maybe', { method: 'POST', body: `[${n}]` })).to.deep.equal({ input: [n] })
    })

    it('is found out once for a tenant, too', async () => {
      const acme = opened.platform.tenant('acme')
      await acme.deploy({ name: 'maybe', path: fixture('maybe') })
      const outcomes: string[] = []
      acme.on('invocation', ({ outcome }) => outcomes.push(outcome))
      const handle = createHandler(opened.platform, { authenticate: () => ({ tenant: 'acme' }) })
      for (const n of [1, 2]) await handle(new Request('http://h/fn/maybe', { method: 'POST', body: `${n}` }))
      expect(outcomes).to.deep.equal(['INVALID_INPUT', 'success', 'success'])
    })
  })

  describe('an HTTP function', () => {
    it('sees its own path and keeps the original URL', async () => {
      const body = await json('/fn/web/a/b?c=d', { method: 'PUT', headers: { 'x-one': '1' }, body: 'hello' })
      expect(body).to.include({ method: 'PUT', url: `${host.url}/a/b?c=d`, original: `${host.url}/fn/web/a/b?c=d`, body: 'hello' })
      expect(body['headers']).to.include({ 'x-one': '1' })
      expect(await json('/fn/web')).to.include({ url: `${host.url}/` })
    })

    it('cannot be reached outside of its prefix by any spelling', async () => {
      for (const path of ['/fn/web/../../x', '/fn/web/%2e%2e/%2e%2e/x', '/fn/web/..%5c..%5cx', '/fn/web/..\\..\\x']) {
        const answer = await sendBytes(host.port, `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)
        expect(answer.slice(9, 12)).to.equal(path.includes('%5c') ? '200' : '400')
      }
    })

    it('streams both ways, chunk by chunk', async () => {
      const { request, response } = open(`${host.url}/fn/web/echo`)
      request.write('one')
      const seen: string[] = []
      for await (const chunk of await response) {
        seen.push(String(chunk))
        // The next part is sent only after the one before has come back.
        if (seen.length === 1) request.write('two')
        else if (seen.length === 2) request.end('three')
      }
      expect(seen).to.deep.equal(['one', 'two', 'three'])
    })

    it('does not make the next request on the connection wait behind a body that it did not read', async () => {
      const body = 'x'.repeat(90_000)
      const answer = await sendBytes(
        host.port,
        `POST /fn/web/cookies HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}GET /fn/double?n=2 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`,
      )
      expect(answer).to.contain('204 No Content').and.to.contain('"doubled":4')
    })

    it('ends when the client stops reading a response without an end', async () => {
      const record = nextInvocation()
      const { request, response } = open(`${host.url}/fn/web/lines`, { method: 'GET' })
      const answer = await response
      await once(answer, 'data')
      answer.on('error', () => undefined)
      request.destroy()
      expect((await record).outcome).to.equal('CANCELLED')
    })

    it('is cut off when a body without a length grows too long', async () => {
      const { request, response } = open(`${host.url}/fn/web/x`)
      request.on('error', () => undefined)
      for (let sent = 0; sent < 20; sent += 1) request.write('x'.repeat(10_000))
      expect((await response).statusCode).to.equal(413)
      request.destroy()
    })

    it('cuts the connection when the body fails in the middle', async () => {
      const answer = await sendBytes(host.port, 'GET /fn/web/broken HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n')
      expect(answer)
        .to.contain('half')
        .and.not.to.match(/\r\n0\r\n\r\n$/)
      expect(await json('/fn/web/throws')).to.include({ status: 502, code: 'FUNCTION_ERROR' })
    })

    it('keeps several cookies apart', async () => {
      const response = await fetch(`${host.url}/fn/web/cookies`)
      expect(response.headers.get('x-cordon-invocation-id')).to.match(/^inv_/)
      expect([response.status, response.headers.getSetCookie()]).to.deep.equal([204, ['a=1', 'b=2']])
    })

    it('decides nothing about the connection of the host', async () => {
      const response = await fetch(`${host.url}/fn/web/hostile`)
      expect(await response.text()).to.equal('hostile')
      expect(response.headers.get('x-mine')).to.equal('kept')
      for (const name of ['upgrade', 'proxy-authenticate']) expect(response.headers.has(name), name).to.equal(false)
      expect(response.headers.get('keep-alive')).not.to.equal('timeout=9999')
    })

    it('cannot slip a second response into the connection with a wrong length', async () => {
      for (const path of ['longer', 'shorter']) {
        const answer = await sendBytes(
          host.port,
          `GET /fn/web/${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET /fn/web/x HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`,
        )
        expect(answer.match(/HTTP\/1\.1/g)?.length ?? 0).to.be.at.most(1)
        expect(answer).not.to.contain('evil')
      }
    })

    it('cannot leave it to the client where a response ends', async () => {
      for (const length of ['-1', 'abc', '1, 2', '0x1']) {
        const answer = await sendBytes(
          host.port,
          `GET /fn/web/length?is=${encodeURIComponent(length)} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`,
        )
        expect(answer)
          .to.contain('HTTP/1.1 200')
          .and.to.match(/transfer-encoding: chunked/i)
          .and.not.to.match(/content-length/i)
      }
    })

    it('answers HEAD without a body and lets go of the function', async () => {
      const record = nextInvocation()
      const response = await fetch(`${host.url}/fn/web/lines`, { method: 'HEAD' })
      expect([response.status, await response.text()]).to.deep.equal([200, ''])
      await record
    })
  })

  describe('hostile requests', () => {
    it('get an answer and leave the host alone', async () => {
      const head = (line: string, headers = 'host: 127.0.0.1\r\n') => `${line} HTTP/1.1\r\n${headers}connection: close\r\n\r\n`
      for (const bytes of [
        head('GET /fn/web/x', 'host: evil.test/fn/double?\r\n'),
        head('GET /fn/web/x', 'host: user@evil.test\r\n'),
        head('GET /fn/web/x', 'host: [::1\r\n'),
        head('TRACE /fn/web/x'),
        head('GET ftp://evil.test/x'),
        head('GET /fn/%E0%A4%A'),
        head('GET /fn/__proto__'),
        head('GET /api/functions/%E0%A4%A'),
        head('GET /api/functions/__proto__'),
        head(`GET /fn/${'a'.repeat(5000)}`),
      ]) {
        const answer = await sendBytes(host.port, bytes)
        expect(Number(answer.slice(9, 12)), `${bytes}\n${answer}`).to.be.within(400, 404)
      }
      expect(await sendBytes(host.port, head('GET http://evil.test/fn/double?n=2'))).to.contain('"doubled":4')
      expect(await json('/fn/double?n=1')).to.include({ doubled: 2 })
    })

    it('do not walk around middleware that guards a path', async () => {
      const paths = ['/fn/web/../../api/functions', '/fn/%2e%2e/api/functions', '/./api/functions', '/x\\..\\api/functions', '/%61pi/functions']
      for (const path of [...paths, '/api%2ffunctions', '/api/functions/doubl%65', '//api/functions']) {
        const answer = await sendBytes(host.port, `GET ${path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`)
        expect(answer.slice(9, 12), path).to.be.oneOf(['400', '404'])
      }
    })

    it('do not make the host look through a query again and again', async () => {
      const names = Array.from({ length: 200_000 }, (_, index) => `q${index}`)
      const response = await createHandler(opened.platform)(new Request(`http://h/fn/double?${names.join('&')}`))
      expect(response.status).to.equal(413)
    })

    it('do not keep a connection open with a body that nobody reads', async () => {
      const { request, response } = open(`${host.url}/fn/absent`)
      request.on('error', () => undefined)
      const answer = await response
      expect(answer.statusCode).to.equal(404)
      expect(await text(answer)).to.contain('FUNCTION_NOT_FOUND')
      await once(request, 'close')
    })
  })

  for (const [status, scope, scheduling] of [
    [503, 'host', { maxSandboxes: 1 }],
    [429, 'tenant', { tenantConcurrency: 1 }],
  ] as const) {
    it(`answers ${status} when the ${scope} has too much to do`, async () => {
      const narrow = await openPlatform(['slow', 'double'], { scheduling, limits: { queueMs: 20 } })
      try {
        const handle = createHandler(narrow.platform)
        const slow = handle(new Request('http://h/fn/slow'))
        const response = await handle(new Request('http://h/fn/double?n=1'))
        expect(response.status).to.equal(status)
        expect(response.headers.get('retry-after')).to.match(/^\d+$/)
        expect(await response.json()).to.include({ code: 'OVERLOADED', retryable: true })
        expect((await slow).status).to.equal(504)
      } finally {
        await narrow.close()
      }
    })
  }

  it('answers 429 with Retry-After when a function has too much to do', async () => {
    const narrow = await openPlatform(['slow'], { limits: { concurrency: 1, queueLength: 0 } })
    try {
      const handle = createHandler(narrow.platform)
      const responses = await Promise.all([1, 2].map(() => handle(new Request('http://h/fn/slow'))))
      expect(responses.map((one) => one.status)).to.have.members([504, 429])
      const refused = responses.find((one) => one.status === 429)
      expect(refused?.headers.get('retry-after')).to.match(/^\d+$/)
      expect(await refused?.json()).to.include({ code: 'OVERLOADED', origin: 'platform', retryable: true })
    } finally {
      await narrow.close()
    }
  })

  /** Resolves when a sandbox has taken a call. */
  async function waitForRunning(): Promise<void> {
    while (opened.platform.stats().running === 0) await new Promise((resolve) => setImmediate(resolve))
  }
})
