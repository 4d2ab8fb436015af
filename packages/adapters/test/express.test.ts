import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { expressAdapter } from '@cordon/adapters/express'
import { expect } from 'chai'
import express from 'express'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { listening } from './support/raw-http.ts'

describe('the Express entry', () => {
  let opened: OpenPlatform

  before(async () => {
    opened = await openPlatform(['double', 'web'])
  })
  after(() => opened.close())

  async function mounted(middleware: readonly unknown[], use: (url: string) => Promise<void>): Promise<void> {
    const app = express()
    for (const one of middleware) app.use(one as express.RequestHandler)
    app.get('/', (_request, response) => void response.send('the host'))
    app.use('/cordon', expressAdapter(opened.platform))
    const host = await listening(createServer(app))
    try {
      await use(host.url)
    } finally {
      await host.stop()
    }
  }

  it('answers below its mount and nowhere else', async () => {
    await mounted([], async (url) => {
      expect(await (await fetch(url)).text()).to.equal('the host')
      expect((await fetch(`${url}/fn/double`)).status).to.equal(404)
      const body = (await (await fetch(`${url}/cordon/fn/double?n=2`)).json()) as { doubled: number; request: { url: string } }
      expect(body.doubled).to.equal(4)
      expect(body.request.url).to.equal(`${url}/cordon/fn/double?n=2`)
      expect(await (await fetch(`${url}/cordon/fn/web/a//b`)).json()).to.include({ url: `${url}/a//b`, original: `${url}/cordon/fn/web/a//b` })
      for (const path of ['/cordon', '/cordon/', '/cordon?x=1']) expect((await fetch(url + path)).status, path).to.equal(404)
    })
  })

  it('describes functions and offers them as tools below its mount, also behind a parser', async () => {
    await mounted([express.json()], async (url) => {
      const document = (await (await fetch(`${url}/cordon/openapi.json`)).json()) as Record<string, unknown>
      expect(document['servers']).to.deep.equal([{ url: '/cordon' }])
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'double', arguments: { n: 2 } } })
      expect(await (await fetch(`${url}/cordon/mcp`, { method: 'POST', headers, body })).text()).to.include('\\"doubled\\":4')
    })
  })

  it('cannot be reached around middleware that guards a path, by a router that takes two slashes for one', async () => {
    const adapter = expressAdapter(opened.platform)
    // What the router of Express 4 makes of a mount at /cordon.
    const host = await listening(
      createServer((request, response) => {
        const url = request.url?.replace(/^\/cordon\/?(?=\/)/, '')
        adapter(Object.assign(request, { originalUrl: request.url ?? '', protocol: 'http', url: url ?? '/' }), response)
      }),
    )
    try {
      expect((await fetch(`${host.url}/cordon/api/functions`)).status).to.equal(200)
      for (const path of ['/cordon//api/functions', '/cordon//fn/double?n=1']) expect((await fetch(host.url + path)).status, path).to.equal(404)
    } finally {
      await host.stop()
    }
  })

  it('takes JSON that a text parser has left as it came', async () => {
    await mounted([express.text({ type: '*/*' })], async (url) => {
      const response = await fetch(`${url}/cordon/fn/double`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":2}' })
      expect(await response.json()).to.include({ doubled: 4 })
    })
  })

  it('works behind middleware that has parsed the body', async () => {
    const parsers = [express.json(), express.urlencoded({ extended: true }), express.text()]
    await mounted(parsers, async (url) => {
      const post = (path: string, type: string, body: string) => fetch(url + path, { method: 'POST', headers: { 'content-type': type }, body })
      expect(await (await post('/cordon/fn/double', 'application/json', '{ "n": 2 }')).json()).to.include({ doubled: 4 })
      for (const [type, body, seen] of [
        ['application/json', '{ "a" : [1] }', '{"a":[1]}'],
        ['text/plain', 'plain ü', 'plain ü'],
        ['application/x-www-form-urlencoded', 'a=1&b[c]=2&d=3&d=4', 'a=1&b%5Bc%5D=2&d=3&d=4'],
        ['application/octet-stream', 'bytes', 'bytes'],
      ] as const) {
        expect(await (await post('/cordon/fn/web/x', type, body)).json()).to.include({ body: seen })
      }
      const deployed = await post(
        '/cordon/api/functions/deploy',
        'application/json',
        JSON.stringify({ name: 'parsed', source: '/** @function */\nexport default async function f() { return 1 }\n' }),
      )
      expect(deployed.status).to.equal(201)
    })
  })

  it('prefers the raw bytes when the host kept them', async () => {
    const keep = express.json({
      verify(request: IncomingMessage & { rawBody?: Buffer }, _response: ServerResponse, bytes: Buffer) {
        request.rawBody = bytes
      },
    })
    await mounted([keep], async (url) => {
      const response = await fetch(`${url}/cordon/fn/web/x`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{ "a" : 1 }' })
      expect(await response.json()).to.include({ body: '{ "a" : 1 }' })
    })
  })

  it('says so when middleware has eaten the body', async () => {
    const eat = (request: IncomingMessage, _response: ServerResponse, next: () => void) => void request.resume().once('end', next)
    await mounted([eat], async (url) => {
      const response = await fetch(`${url}/cordon/fn/double`, { method: 'POST', body: '{"n":1}' })
      expect(await response.json()).to.include({ status: 400, code: 'INVALID_INPUT' })
    })
  })

  it('follows the trust of the host in its proxy, and keeps the cookies of the host', async () => {
    const app = express().set('trust proxy', true)
    app.use((_request, response, next) => {
      response.append('set-cookie', 'host=1')
      next()
    })
    app.use('/cordon', expressAdapter(opened.platform))
    const host = await listening(createServer(app))
    try {
      const body = (await (await fetch(`${host.url}/cordon/fn/web/x`, { headers: { 'x-forwarded-proto': 'https' } })).json()) as { url: string }
      expect(body.url).to.match(/^https:/)
      const cookies = (await fetch(`${host.url}/cordon/fn/web/cookies`)).headers.getSetCookie()
      expect(cookies).to.deep.equal(['host=1', 'a=1', 'b=2'])
    } finally {
      await host.stop()
    }
  })
})
