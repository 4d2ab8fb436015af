import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as sendRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { expect } from 'chai'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { entries, parsingEntries, type Entry } from './support/entries.ts'
import { listening, open, sendBytes } from './support/raw-http.ts'

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}
interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Uint8Array
}
interface Case extends Sent {
  readonly name: string
  readonly path: string
  readonly status?: number
  /** Compares with the body as JSON, or as text when it is text. */
  readonly includes?: object | string
  readonly check?: (reply: Reply) => void
}

const everyByte = Uint8Array.from({ length: 256 }, (_none, at) => at)
const large = new Uint8Array(1_000_000).map((_none, at) => at % 251)
/** Keeps one connection, as clients do. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

async function send(base: string, path: string, { method = 'GET', headers = {}, body }: Sent): Promise<Reply> {
  // The path as it stands: a URL would change it.
  const { hostname, port } = new URL(base)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const request = sendRequest({ agent, hostname, port, path, method, headers: { ...length, ...headers } })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
}

function digestOf(body: string | Uint8Array): object {
  return { bytes: Buffer.byteLength(body), sha256: createHash('sha256').update(body).digest('hex') }
}

function bodyCase(name: string, type: string, body: string | Uint8Array, more: Partial<Case> = {}): Case {
  return {
    name: `a body: ${name}`,
    path: '/fn/mirror/digest',
    method: 'POST',
    headers: { 'content-type': type },
    body,
    includes: digestOf(body),
    ...more,
  }
}

const boundary = 'one-two'
const multipart = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="ä.bin"\r\n\r\nabc\r\n--${boundary}--\r\n`

const bodies: readonly Case[] = [
  bodyCase('JSON', 'application/json', '{"a":1}'),
  bodyCase('JSON with a charset', 'application/json; charset=utf-8', '{"ä":"ö"}'),
  bodyCase('text', 'text/plain', 'hello'),
  bodyCase('text beyond ASCII', 'text/plain; charset=utf-8', 'grüße 🌍'),
  bodyCase('a form', 'application/x-www-form-urlencoded', 'a=1&b=2'),
]
const rawBodies: readonly Case[] = [
  bodyCase('JSON with blanks', 'application/json', ' { "a" : 1.0 } \n'),
  bodyCase('JSON that is none', 'application/json', '{"a":'),
  bodyCase('a form with repeats and blanks', 'application/x-www-form-urlencoded', 'a=1&a=2&b=a+b&c'),
  bodyCase('several parts', `multipart/form-data; boundary=${boundary}`, multipart),
  bodyCase('every byte', 'application/octet-stream', everyByte),
  bodyCase('a picture', 'image/png', everyByte.slice(100)),
  bodyCase('XML', 'application/xml', '<a/>'),
  bodyCase('lines of JSON', 'application/x-ndjson', '{"a":1}\n{"a":2}\n'),
  bodyCase('an own JSON type', 'application/vnd.api+json', '{"data":[]}'),
  bodyCase('a compressed one, as it came', 'application/octet-stream', everyByte, { headers: { 'content-encoding': 'br', 'content-type': 'x/y' } }),
  bodyCase('a megabyte', 'application/octet-stream', large),
  bodyCase('none', 'text/plain', ''),
  bodyCase('without a type', '', 'abc', { headers: {} }),
  bodyCase('an odd type', 'x.odd/y+z; a="b"', 'abc'),
  bodyCase('with PUT', 'text/plain', 'abc', { method: 'PUT' }),
  bodyCase('with PATCH', 'text/plain', 'abc', { method: 'PATCH' }),
  bodyCase('with DELETE', 'text/plain', 'abc', { method: 'DELETE' }),
  {
    name: 'a body comes back as it went',
    path: '/fn/mirror/echo',
    method: 'POST',
    body: everyByte,
    headers: { 'content-type': 'a/b' },
    check: ({ body }) => expect(new Uint8Array(body)).to.deep.equal(everyByte),
  },
]

const json = (body: string): Sent => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body })
const inputs: readonly Case[] = ['{"a":{"b":[1,null]}}', '[1,2]', '{"ü":"\\u00e4🌍"}', '{"a":1.5e10,"b":-0.25}', '{}', '[]'].map((body) => ({
  name: `the input ${body}`,
  path: '/fn/maybe',
  ...json(body),
  check: (reply: Reply) => expect(JSON.parse(String(reply.body))).to.deep.equal({ input: JSON.parse(body) }),
}))
const strictInputs: readonly Case[] = ['"text"', '5', 'null', 'true', 'false', ' [ 1 ] ', '{"__proto__":1}'].map((body) => ({
  name: `the input ${body}`,
  path: '/fn/maybe',
  ...json(body),
  check: (reply: Reply) => expect(JSON.parse(String(reply.body))).to.deep.equal({ input: JSON.parse(body) }),
}))
const queries: readonly Case[] = [
  ['a=1', { a: '1' }],
  ['a=1&a=2', { a: ['1', '2'] }],
  ['a=%20b+c', { a: ' b c' }],
  ['a=', { a: '' }],
  ['a', { a: '' }],
  ['%C3%BC=%F0%9F%8C%8D', { ü: '🌍' }],
  ['a[b]=1', { 'a[b]': '1' }],
  ['a=1;b=2', { a: '1;b=2' }],
  ['a=%00', { a: '\0' }],
].map(([query, input]) => ({
  name: `the query ${String(query)}`,
  path: `/fn/maybe?${String(query)}`,
  check: (reply: Reply) => expect(JSON.parse(String(reply.body))).to.deep.equal({ input }),
}))

const paths: readonly Case[] = [
  '',
  '/',
  '/a',
  '/a/',
  '/a/b/c',
  '/.hidden',
  '/a%20b',
  '/%C3%BC',
  '/a;b=c',
  '/a:b@c',
  `/${'long'.repeat(300)}`,
  '/a%2Fb',
  '/a%3Fb',
].map((path) => ({
  name: `the path ${path.slice(0, 30)}`,
  path: `/fn/mirror${path}?x=%2F`,
  includes: { path: path === '' ? '/' : path, query: '?x=%2F' },
}))
const statuses: readonly Case[] = [
  200, 201, 202, 204, 205, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 409, 410, 418, 422, 451, 500, 501, 503, 599,
].map((status) => ({
  name: `the status ${status}`,
  path: `/fn/mirror/status/${status}`,
  status,
  ...([204, 205, 304].includes(status) ? {} : { includes: `status ${status}` }),
}))
const methods: readonly Case[] = [
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => ({
    name: `${method} of an HTTP function`,
    path: '/fn/mirror/x',
    method,
    includes: { method },
  })),
  { name: 'HEAD of an HTTP function', path: '/fn/mirror/x', method: 'HEAD', check: ({ body }) => expect(body.length).to.equal(0) },
  { name: 'HEAD of a JSON function', path: '/fn/double?n=1', method: 'HEAD', check: ({ body }) => expect(body.length).to.equal(0) },
  {
    name: 'OPTIONS of a JSON function',
    path: '/fn/double',
    method: 'OPTIONS',
    status: 204,
    check: ({ headers }) => expect(headers.allow).to.include('POST'),
  },
  { name: 'PUT of a JSON function', path: '/fn/double', method: 'PUT', status: 405 },
]
const headers: readonly Case[] = [
  {
    name: 'a header of its own',
    path: '/fn/mirror/x',
    headers: { 'X-Own': 'Ä'.normalize('NFD').slice(0, 1) },
    includes: { headers: { 'x-own': 'A' } },
  },
  { name: 'repeated headers', path: '/fn/mirror/x', headers: { 'x-many': ['a', 'b'] }, includes: { headers: { 'x-many': 'a, b' } } },
  { name: 'cookies', path: '/fn/mirror/x', headers: { cookie: 'a=1; b=2' }, includes: { headers: { cookie: 'a=1; b=2' } } },
  { name: 'credentials', path: '/fn/mirror/x', headers: { authorization: 'Bearer abc' }, includes: { headers: { authorization: 'Bearer abc' } } },
  { name: 'a long header', path: '/fn/mirror/x', headers: { 'x-long': 'x'.repeat(8000) }, includes: { headers: { 'x-long': 'x'.repeat(8000) } } },
  { name: 'its own cookies, apart', path: '/fn/mirror/headers', check: ({ headers: seen }) => expect(seen['set-cookie']).to.have.length(3) },
  { name: 'its own repeated header', path: '/fn/mirror/headers', check: ({ headers: seen }) => expect(seen['x-many']).to.equal('a, b') },
  { name: 'its own file name', path: '/fn/mirror/headers', check: ({ headers: seen }) => expect(seen['content-disposition']).to.include('%C3%A4') },
  {
    name: 'a range',
    path: '/fn/mirror/part',
    headers: { range: 'bytes=2-4' },
    status: 206,
    includes: '234',
    check: ({ headers: seen }) => expect(seen['content-range']).to.equal('bytes 2-4/10'),
  },
  { name: 'no range', path: '/fn/mirror/part', includes: '0123456789' },
  { name: 'a tag', path: '/fn/mirror/etag', check: ({ headers: seen }) => expect(seen.etag).to.equal('"one"') },
  { name: 'a tag that is known', path: '/fn/mirror/etag', headers: { 'if-none-match': '"one"' }, status: 304 },
  {
    name: 'the number of its invocation',
    path: '/fn/double?n=1',
    check: ({ headers: seen }) => expect(seen['x-cordon-invocation-id']).to.match(/^inv_/),
  },
]
const failures: readonly Case[] = [
  { name: 'a function that does not exist', path: '/fn/absent', status: 404, includes: { code: 'FUNCTION_NOT_FOUND' } },
  { name: 'a route that does not exist', path: '/nothing', status: 404 },
  { name: 'JSON that is none', path: '/fn/double', method: 'POST', body: '{', status: 400, includes: { code: 'INVALID_INPUT' } },
  {
    name: 'bytes that are no text',
    path: '/fn/double',
    method: 'POST',
    body: new Uint8Array([34, 255, 34]),
    status: 400,
    includes: { code: 'INVALID_INPUT' },
  },
  { name: 'an input that does not fit', path: '/fn/search', method: 'POST', body: '{"text":1}', status: 400, includes: { code: 'INVALID_INPUT' } },
  { name: 'a function that throws', path: '/fn/fails', status: 502, includes: { code: 'FUNCTION_ERROR' } },
  { name: 'an HTTP function that throws', path: '/fn/mirror/throws', status: 502, includes: { code: 'FUNCTION_ERROR' } },
  { name: 'a function that takes too long', path: '/fn/slow', status: 504, includes: { code: 'TIMEOUT' } },
  { name: 'a function that asks for credentials', path: '/fn/members', status: 401, includes: { code: 'UNAUTHENTICATED' } },
]

describe('the entry of every framework', () => {
  let opened: OpenPlatform

  before(async () => {
    opened = await openPlatform(['double', 'maybe', 'mirror', 'search', 'fails', 'slow', 'members'], {
      limits: { payloadBytes: 200_000_000, outputBytes: 200_000_000, timeoutMs: 60_000 },
    })
  })
  after(() => opened.close())

  for (const entry of entries) describe(entry.name, () => defineSuite(entry, [...bodies, ...rawBodies, ...inputs, ...strictInputs]))
  for (const entry of parsingEntries) describe(entry.name, () => defineSuite(entry, [...bodies, ...inputs]))

  function defineSuite(entry: Entry, withBodies: readonly Case[]): void {
    let host: Awaited<ReturnType<typeof listening>>
    before(async () => (host = await listening(await entry.create(opened.platform))))
    after(() => host.stop())

    const all = [...withBodies, ...queries, ...(entry.keepsPaths ? paths : paths.slice(0, 11)), ...statuses, ...methods, ...headers, ...failures]
    it(`answers ${all.length} requests as every other entry does`, async () => {
      for (const one of all) {
        const reply = await send(host.url, `/cordon${one.path}`, one)
        const text = String(reply.body)
        expect(reply.status, `${one.name}: ${text}`).to.equal(one.status ?? 200)
        if (typeof one.includes === 'string') expect(text, one.name).to.equal(one.includes)
        else if (one.includes !== undefined) expectIncludes(JSON.parse(text), one.includes, one.name)
        one.check?.(reply)
      }
    }).timeout(60_000)

    it('answers below its mount only, and tells functions the whole URL', async () => {
      expect(String((await send(host.url, '/', {})).body)).to.equal('the host')
      for (const path of ['/fn/double?n=1', '/cordonfn/double?n=1']) expect((await send(host.url, path, {})).status, path).to.equal(404)
      const absolute = await send(host.url, 'http://api/cordon/fn/mirror/a', {})
      if (absolute.status === 200) expect(JSON.parse(String(absolute.body))).to.include({ path: '/a' })
      else expect(absolute.status).to.equal(404)
      const { body } = await send(host.url, '/cordon/fn/mirror/a?b=c', {})
      expect(JSON.parse(String(body))).to.include({ url: `${host.url}/a?b=c`, original: `${host.url}/cordon/fn/mirror/a?b=c` })
    })

    it('streams events as they come, and bodies both ways', async () => {
      const { request, response } = open(`${host.url}/cordon/fn/mirror/events`, { method: 'GET' })
      request.end()
      const events: string[] = []
      for await (const chunk of (await response).setEncoding('utf8')) events.push(...String(chunk).split('\n\n').filter(Boolean))
      expect(events).to.deep.equal([1, 2, 3].map((number) => `event: tick\ndata: ${number}`))
      if (parsingEntries.includes(entry)) return
      const exchange = open(`${host.url}/cordon/fn/mirror/echo`)
      exchange.request.write('one')
      const seen: string[] = []
      for await (const chunk of await exchange.response) {
        seen.push(String(chunk))
        // The next part is sent only after the one before has come back.
        if (seen.length === 1) exchange.request.write('two')
        else if (seen.length === 2) exchange.request.end('three')
      }
      expect(seen).to.deep.equal(['one', 'two', 'three'])
    })

    it('cancels a function whose client goes away', async () => {
      // Calls of the tests before may still be on their way out.
      const { platform } = opened
      while (platform.stats().running > 0) await new Promise((resolve) => setImmediate(resolve))
      const ended = new Promise<string>((resolve) => {
        const stop = platform.on('invocation', ({ outcome }) => {
          if (outcome === 'success') return
          stop()
          resolve(outcome)
        })
      })
      const { request, response } = open(`${host.url}/cordon/fn/mirror/never`, { method: 'GET' })
      response.catch(() => undefined)
      request.end()
      while (platform.stats().running === 0) await new Promise((resolve) => setImmediate(resolve))
      request.destroy()
      expect(await ended).to.equal('CANCELLED')
    })

    it('answers hostile requests and goes on', async () => {
      const lines = [
        'GET /cordon/fn/mirror/../../api/functions',
        'GET /cordon/fn/%2e%2e/api/functions',
        'GET /cordon/%61pi/functions',
        'GET /cordon//api/functions',
        'GET /cordon/fn/__proto__',
        'GET /cordon/fn/%E0%A4%A',
      ]
      for (const line of lines) {
        const answer = await sendBytes(host.port, `${line} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`)
        const status = Number(answer.slice(9, 12))
        // Where the server has resolved the dots before anybody saw the path, the route that it then spells is the one that is meant.
        expect(status, `${line}\n${answer}`).to.satisfy(
          (seen: number) => (seen >= 400 && seen < 500) || (!entry.keepsPaths && /\.\.|%2e/.test(line) && seen === 200),
        )
      }
      expect((await send(host.url, '/cordon/fn/double?n=1', {})).status).to.equal(200)
    })

    if (!parsingEntries.includes(entry))
      it('carries 100 MB both ways in constant memory', async () => {
        const before = process.memoryUsage.rss()
        let peak = before
        const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20)
        const { request, response } = open(`${host.url}/cordon/fn/mirror/echo`)
        const piece = Buffer.alloc(1_000_000)
        async function upload(): Promise<void> {
          for (let sent = 0; sent < 100; sent++) if (!request.write(piece)) await once(request, 'drain')
          request.end()
        }
        const uploaded = upload()
        let received = 0
        for await (const chunk of await response) received += (chunk as Buffer).length
        await uploaded
        clearInterval(watch)
        expect(received).to.equal(100_000_000)
        expect((peak - before) / 1e6).to.be.below(64)
      }).timeout(60_000)
  }
})

/** As `deep.include`, also inside. */
function expectIncludes(seen: Record<string, unknown>, expected: object, name: string): void {
  for (const [key, value] of Object.entries(expected)) {
    if (typeof value === 'object' && value !== null) expectIncludes(seen[key] as Record<string, unknown>, value as object, name)
    else expect(seen[key], `${name}: ${key}`).to.equal(value)
  }
}
