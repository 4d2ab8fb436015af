import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { nothingUsed } from '@cordon/contracts'
import { createPlatform, type Platform } from '@cordon/core'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

/** What the server does by path. */
const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>>> = {
  async '/echo'(request, response) {
    const body = await buffer(request)
    response.writeHead(201, 'Made', { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] })
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body: body.toString('latin1') }))
  },
  '/gzip': (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('zipped'.repeat(100_000))),
  '/br': (_, response) => void response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync('brotli')),
  '/none': (_, response) => void response.writeHead(204).end(),
  '/redirect': (_, response) => void response.writeHead(302, { location: '/echo?there' }).end('away'),
  '/keep': (_, response) => void response.writeHead(307, { location: '/echo' }).end(),
  '/elsewhere': (request, response) => void response.writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}/echo` }).end(),
  '/forever': (_, response) => void response.writeHead(302, { location: '/forever' }).end(),
  '/ungranted': (_, response) => void response.writeHead(302, { location: 'http://other.example/' }).end(),
  '/break': (_, response) => void response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy()),
  '/reset': (request) => void request.socket.destroy(),
  '/silent': () => undefined,
  '/many'(_, response) {
    const piece = Buffer.alloc(100_000, 'x')
    let left = 200
    const more = (): void => {
      while (left-- > 0) if (!response.write(piece)) return void response.once('drain', more)
      response.end()
    }
    more()
  },
  async '/count'(request, response) {
    let bytes = 0
    for await (const chunk of request) bytes += (chunk as Buffer).length
    response.end(String(bytes))
  },
}

/** An answer of `/echo` as the function shows it. */
interface Shown {
  readonly json: { readonly method: string; readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string }
}

describe('fetch', function () {
  this.timeout(30_000)
  let platform: Platform
  let remove: () => Promise<void>
  let server: Server
  let origin: string
  /** Paths of answers that ended, one way or another. */
  const closed: unknown[] = []

  before(async () => {
    server = createServer((request, response) => {
      response.on('close', () => void closed.push(request.url))
      void routes[request.url?.split('?')[0] ?? '']?.(request, response)
    })
    server.listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    origin = `http://localhost:${port}`
    const scratch = await createScratch()
    remove = scratch.remove
    platform = await createPlatform({
      dataDir: join(scratch.path, 'data'),
      logger: createNotingLogger(),
      net: { allowPrivate: [`localhost:${port}`, `127.0.0.1:${port}`], bytes: 25_000_000, requests: 20, concurrency: 3 },
    })
  })
  after(async () => {
    await platform.close()
    server.closeAllConnections()
    server.close()
    await remove()
  })

  async function run<Output>(body: string, input: object = {}, config: object = {}): Promise<Output> {
    const net = [origin, origin.replace('localhost', '127.0.0.1')].map((one) => one.slice('http://'.length))
    await platform.deploy({ name: 'f', source: handler(body), config: { net, ...config } })
    return (await platform.invoke<object, Output>('f', { origin, ...input })).output
  }

  it('sends requests and gives answers, heads and bodies of every kind', async () => {
    const output = await run<{ none: unknown; gzip: unknown; br: unknown } & Record<'get' | 'post' | 'bytes' | 'form' | 'params', Shown>>(
      `const show = async (answer) => ({ status: answer.status, text: answer.statusText, type: answer.headers.get('content-type'), cookies: answer.headers.getSetCookie(), url: answer.url, redirected: answer.redirected, is: answer instanceof Response, json: await answer.json() })
       const form = new FormData(); form.set('a', 'b'); form.set('file', new Blob(['content']), 'name.txt')
       return {
         get: await show(await fetch(input.origin + '/echo?q=ä#hash', { headers: { 'X-A': '1', authorization: 'Bearer t', host: 'evil.example', connection: 'close' } })),
         post: await show(await fetch(new URL('/echo', input.origin), { method: 'POST', body: 'text ä' })),
         bytes: await show(await fetch(new Request(input.origin + '/echo', { method: 'put', body: new Uint8Array([0, 255]) }))),
         form: await show(await fetch(input.origin + '/echo', { method: 'POST', body: form })),
         params: await show(await fetch(input.origin + '/echo', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })),
         none: [(await fetch(input.origin + '/none')).body === null, (await fetch(input.origin + '/many', { method: 'HEAD' })).status],
         gzip: (await (await fetch(input.origin + '/gzip')).text()).length,
         br: await (await fetch(input.origin + '/br')).text(),
       }`,
    )
    const { get, post, bytes, form, params } = output
    expect(get).to.deep.include({
      status: 201,
      text: 'Made',
      type: 'application/json',
      cookies: ['a=1', 'b=2'],
      url: `${origin}/echo?q=%C3%A4`,
      is: true,
    })
    expect(get.json).to.deep.include({ method: 'GET', url: '/echo?q=%C3%A4' })
    // Where a test before this one has installed an SDK of OpenTelemetry, there is a trace to tell of.
    const { traceparent: _, ...sent } = get.json.headers
    expect(sent).to.deep.equal({
      host: origin.slice(7),
      connection: 'keep-alive',
      'x-a': '1',
      authorization: 'Bearer t',
      accept: '*/*',
      'accept-encoding': 'gzip, deflate, br',
      'user-agent': 'cordon',
    })
    expect(post.json).to.deep.include({ method: 'POST', body: Buffer.from('text ä').toString('latin1') })
    expect(post.json.headers).to.include({ 'content-length': '7', 'content-type': 'text/plain;charset=UTF-8' })
    expect(bytes.json).to.deep.include({ method: 'PUT', body: '\0ÿ' })
    expect(form.json.body).to.contain('name="file"; filename="name.txt"')
    expect(params.json).to.deep.include({ body: 'a=b+c' })
    expect(output).to.deep.include({ none: [true, 200], gzip: 600_000, br: 'brotli' })
  })

  it('streams both ways', async () => {
    const output = await run(
      `const body = new ReadableStream({ start() { this.left = 100 }, async pull(controller) { if (this.left-- === 0) return controller.close(); await null; controller.enqueue(new Uint8Array(100_000)) } }, { highWaterMark: 0 })
       const sent = await (await fetch(input.origin + '/count', { method: 'POST', body, duplex: 'half' })).text()
       let bytes = 0
       for await (const chunk of (await fetch(input.origin + '/many', { method: 'POST', body: 'x'.repeat(2_000_000) })).body) bytes += chunk.length
       return { sent, bytes }`,
      {},
      { timeoutMs: 5000 },
    ).catch((error: Error) => error.message)
    // 10 MB out, 2 MB out, then 20 MB in: more than the 25 MB of this platform.
    expect(output).to.contain('net.bytes')
    expect(
      await run(`let bytes = 0; for await (const chunk of (await fetch(input.origin + '/many')).body) bytes += chunk.length; return bytes`),
    ).to.equal(20_000_000)
  })

  it('follows redirects, without credentials to elsewhere', async () => {
    const output = await run<unknown[]>(
      `const one = await fetch(input.origin + '/redirect', { method: 'POST', body: 'x', headers: { authorization: 'a', 'content-type': 'b' } })
       const kept = await (await fetch(input.origin + '/keep', { method: 'POST', body: 'again', headers: { authorization: 'a' } })).json()
       const other = await (await fetch(input.origin + '/elsewhere', { headers: { authorization: 'a', cookie: 'c', 'x-own': '1' } })).json()
       const got = await one.json()
       return [one.redirected, one.url, got.method, got.headers.authorization, got.headers['content-type'] ?? null, kept.method, kept.body, kept.headers.authorization,
         other.headers.authorization ?? null, other.headers.cookie ?? null, other.headers['x-own'],
         (await fetch(input.origin + '/redirect', { redirect: 'manual' })).status,
         await fetch(input.origin + '/redirect', { redirect: 'error' }).catch((error) => error.name + error.cause.message),
         await fetch(input.origin + '/forever').catch((error) => error.name + error.cause.message),
         await fetch(input.origin + '/ungranted').catch((error) => error.code)]`,
    )
    expect(output).to.deep.equal([
      ...[true, `${origin}/echo?there`, 'GET', 'a', null, 'POST', 'again', 'a', null, null, '1', 302],
      ...['TypeErrorunexpected redirect', 'TypeErrorredirect count exceeded', 'CAPABILITY_DENIED'],
    ])
  })

  it('fails as fetch does', async () => {
    const output = await run<unknown[]>(
      `const ways = ['/break', '/reset'].map(async (path) => (await fetch(input.origin + path)).text())
       const broken = await Promise.all(ways.map((way) => way.catch((error) => [error.name, error.message, typeof error.cause.code])))
       return [...broken, await fetch('http://localhost:2/').catch((error) => error.cause?.code ?? error.code), await fetch('nonsense').catch((error) => error.name), await fetch('file:///etc/passwd').catch((error) => error.code)]`,
    )
    expect(output.slice(0, 2)).to.deep.equal([
      ['TypeError', 'fetch failed', 'string'],
      ['TypeError', 'fetch failed', 'string'],
    ])
    expect(output.slice(2)).to.deep.equal(['CAPABILITY_DENIED', 'TypeError', 'CAPABILITY_DENIED'])
  })

  it('is aborted by its signal, and by the end of the invocation', async () => {
    const before = closed.length
    const output = await run<unknown[]>(
      `const stop = new AbortController()
       const waiting = fetch(input.origin + '/silent', { signal: stop.signal })
       setTimeout(() => stop.abort(new Error('enough')), 50)
       const first = await waiting.catch((error) => error.message)
       const late = new AbortController()
       const answer = await fetch(input.origin + '/many', { signal: late.signal })
       late.abort()
       const second = await answer.text().catch((error) => error.name)
       void fetch(input.origin + '/silent').catch(() => undefined)
       await new Promise((resolve) => setTimeout(resolve, 50))
       return [first, second, await fetch(input.origin, { signal: AbortSignal.abort() }).catch((error) => error.name)]`,
    )
    expect(output).to.deep.equal(['enough', 'AbortError', 'AbortError'])
    while (closed.length < before + 3) await new Promise((resolve) => setImmediate(resolve))
  })

  it('counts what each invocation used, and says which one called it', async () => {
    await platform.deploy({
      name: 'inner',
      source: handler('await ctx.db.batch(["select 1", "select 2"]); if (input.fails) throw new Error("no"); return 1'),
    })
    const body = `const sum = (await (await fetch(input.origin + '/count', { method: 'POST', body: 'x'.repeat(1000) })).text()).length
      await fetch('http://' + ctx.tenant.id + '.example').catch(() => undefined)
      await ctx.db.query('select 1')
      await ctx.functions.invoke('inner', {})
      await ctx.functions.invoke('inner', { fails: true }).catch(() => undefined)
      if (input.fails) throw new Error('no')
      return sum`
    const used = { requests: 1, sentBytes: 1000, receivedBytes: 4, functionCalls: 2, queries: 1 }
    await run(body)
    const first = await platform.invoke('f', { origin })
    expect(first.used).to.deep.equal(used)
    const error = await rejection(platform.invoke('f', { origin, fails: true }), 'FUNCTION_ERROR')
    expect(error.details['outcome']).to.deep.include({ used })
    const { items } = await platform.invocations(undefined, { limit: 9 })
    const outer = items.filter((one) => one.function === 'f')
    const inner = items.filter((one) => one.function === 'inner')
    expect(outer.map((one) => [one.used, one.parentId])).to.deep.equal([1, 2, 3].map(() => [used, undefined]))
    expect(inner.map((one) => one.used)).to.deep.equal(inner.map(() => ({ ...nothingUsed, queries: 2 })))
    expect(inner.filter((one) => one.parentId === first.invocationId)).to.have.length(2)
    const [day] = await platform.usage('inner')
    expect(day).to.include({ invocations: 6, failures: 3, queries: 12, requests: 0 })
  })

  it('refuses hosts that are not granted, with the remedy, and more requests than allowed', async () => {
    const error = await rejection(run('return fetch(input.url)', { url: 'http://other.example/' }), 'CAPABILITY_DENIED')
    expect(error.message).to.contain('"other.example"').and.contain('Add it to net in the config of "f"')
    const codes = await run<string[]>(
      `return Promise.all(Array.from({ length: 22 }, () => fetch(input.origin + '/none').then(() => 'ok', (error) => error.code)))`,
    )
    expect(codes.filter((one) => one === 'ok')).to.have.length(20)
    expect(codes.filter((one) => one === 'CAPABILITY_DENIED')).to.have.length(2)
    const net = await rejection(run(`return fetch('http://localhost:2/')`, {}, { net: ['localhost:2'] }), 'CAPABILITY_DENIED')
    expect(net.message).to.contain('net.allowPrivate')
  })
})
