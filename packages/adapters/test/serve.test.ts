import { readFile, stat, writeFile } from 'node:fs/promises'
import { Agent, get as request, type IncomingMessage, type RequestOptions } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { readHostFile, serve, type RunningServer } from '@cordon/adapters/node'
import { expect } from 'chai'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { open, sendBytes } from './support/raw-http.ts'

describe('the stand-alone server', () => {
  let opened: OpenPlatform
  let server: RunningServer

  before(async () => {
    opened = await openPlatform(['double', 'members', 'slow', 'web'])
    server = await serve(opened.platform, { port: 0, graceMs: 100 })
  })
  after(async () => {
    await server.close()
    await opened.close()
  })

  function api(headers: Record<string, string>): Promise<Response> {
    return fetch(`${server.url}/api/functions`, { headers })
  }

  /** Without an agent on a connection of its own; a pool of connections would hold up the end of a server for as long as it keeps them. */
  function send(url: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      request(url, { agent: false, ...options }, resolve).once('error', reject)
    })
  }

  async function get(url: string, options?: RequestOptions) {
    const response = await send(url, options)
    return { status: response.statusCode, connection: response.headers.connection, doubled: /"doubled":(\d+)/.exec(await text(response))?.[1] }
  }

  it('writes where it is and its token into host.json, for the owner only', async () => {
    const path = join(opened.dataDir, 'host.json')
    expect(JSON.parse(await readFile(path, 'utf8'))).to.deep.equal({ pid: process.pid, url: server.url, token: server.token })
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(await readHostFile(opened.dataDir)).to.include({ url: server.url })
  })

  it('asks for the token on the API and not on functions', async () => {
    expect((await api({})).status).to.equal(401)
    expect((await api({ authorization: 'Bearer wrong' })).status).to.equal(401)
    expect((await api({ authorization: `bearer ${server.token}` })).status).to.equal(200)
    expect((await fetch(`${server.url}/fn/double?n=1`)).status).to.equal(200)
  })

  it('does not show the token to functions', async () => {
    expect((await fetch(`${server.url}/fn/members`)).status).to.equal(401)
    const headers = { authorization: `Bearer ${server.token}` }
    expect(await (await fetch(`${server.url}/fn/members?x=1`, { headers })).json()).to.deep.equal({ user: { id: 'owner' }, authorization: null })
    expect(await (await fetch(`${server.url}/fn/web/x`, { headers })).text()).not.to.contain(server.token)
    // What belongs to the function arrives.
    expect(await (await fetch(`${server.url}/fn/web/x`, { headers: { authorization: 'Basic eDp5' } })).text()).to.contain('Basic eDp5')
  })

  it('refuses what a page of another site makes a browser send', async () => {
    const authorization = `Bearer ${server.token}`
    expect((await api({ authorization, origin: 'http://evil.test' })).status).to.equal(403)
    expect((await api({ authorization, 'sec-fetch-site': 'cross-site' })).status).to.equal(403)
    expect((await api({ authorization, origin: server.url, 'sec-fetch-site': 'same-origin' })).status).to.equal(200)
    const rebound = await sendBytes(
      server.port,
      `GET /api/functions HTTP/1.1\r\nhost: evil.test:${server.port}\r\nauthorization: ${authorization}\r\nconnection: close\r\n\r\n`,
    )
    expect(rebound).to.match(/^HTTP\/1.1 403/)
  })

  it('shows its metrics on loopback, not to pages of other sites, and with authenticate only for a token', async () => {
    expect((await fetch(`${server.url}/metrics`)).status).to.equal(200)
    expect((await fetch(`${server.url}/metrics`, { headers: { origin: 'http://evil.test' } })).status).to.equal(403)
    expect((await fetch(`${server.url}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).to.equal(401)
    const known = await serve(opened.platform, { port: 0, authenticate: () => null, dataDir: join(opened.dataDir, 'known') })
    expect(await get(`${known.url}/metrics`)).to.include({ status: 401 })
    await known.close()
  })

  it('refuses options that are none, naming the option', async () => {
    for (const [options, named] of [
      [null, 'options'],
      [5, 'options'],
      [{ port: 'x' }, 'port'],
      [{ host: 5 }, 'host'],
      [{ host: 'a\0b' }, 'host'],
      [{ dataDir: 5 }, 'dataDir'],
      [{ fd: -1 }, 'fd'],
      [{ authenticate: 5 }, 'authenticate'],
      [{ graceMs: -1 }, 'graceMs'],
    ] as const) {
      const error: unknown = await serve(opened.platform, options as never).catch((thrown: unknown) => thrown)
      expect(error).to.include({ code: 'INVALID_OPTION' }).and.have.property('message').that.contains(`"${named}"`)
    }
  })

  it('says in one sentence that a port is taken', async () => {
    const failure = await serve(opened.platform, { port: server.port }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).to.have.property('code', 'INVALID_OPTION')
    expect(failure)
      .to.have.property('message')
      .that.matches(new RegExp(`^Cannot listen on 127.0.0.1:${server.port}: another program uses this port. Stop it, or choose another port$`))
    for (const port of [-1, 65_536, 1.5, Number.NaN])
      expect(await serve(opened.platform, { port }).catch((error: unknown) => error)).to.have.property('code', 'INVALID_OPTION')
    // The failed attempts left the file of the running server alone.
    expect(await readHostFile(opened.dataDir)).to.include({ url: server.url })
  })

  describe('when it closes', () => {
    it('is unready, answers what comes late on open connections as the last there, and takes new ones until those are gone', async () => {
      const other = await serve(opened.platform, { port: 0 })
      const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
      const [first, second] = agents
      const logs = await send(`${other.url}/api/logs?follow=true`, { headers: { authorization: `Bearer ${other.token}` } })
      for (const agent of agents)
        expect(await get(`${other.url}/fn/double?n=1`, { agent })).to.deep.equal({ status: 200, connection: 'keep-alive', doubled: '2' })
      const slow = get(`${other.url}/fn/slow`, { agent: second })
      const closed = other.close()
      // What would follow for ever ends as a whole.
      expect(logs.statusCode).to.equal(200)
      await text(logs)
      expect(await slow).to.include({ status: 504, connection: 'close' })
      expect(await get(`${other.url}/health/ready`)).to.include({ status: 503, connection: 'close' })
      expect(await get(`${other.url}/fn/double?n=3`)).to.deep.equal({ status: 200, connection: 'close', doubled: '6' })
      expect(await readHostFile(opened.dataDir)).to.include({ url: other.url })
      expect(await get(`${other.url}/fn/double?n=2`, { agent: first })).to.deep.equal({ status: 200, connection: 'close', doubled: '4' })
      expect(await closed).to.equal(0)
      expect(await fetch(other.url).catch(() => 'refused')).to.equal('refused')
      for (const agent of agents) agent.destroy()
    })

    it('answers all of several requests that were sent at once', async () => {
      const other = await serve(opened.platform, { port: 0 })
      const head = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`
      const called = new Promise<void>((resolve) => {
        const stop = opened.platform.on('invocation', () => {
          stop()
          resolve()
        })
      })
      const answers = sendBytes(other.port, head('/fn/slow') + head('/fn/double?n=4') + head('/fn/double?n=5'))
      await called
      expect(await other.close()).to.equal(0)
      const seen = (await answers).match(/HTTP\/1.1 \d+|^connection: .*|"doubled":\d+/gim)
      expect(seen).to.deep.equal(['HTTP/1.1 504', 'HTTP/1.1 200', '"doubled":8', 'HTTP/1.1 200', 'connection: close', '"doubled":10'])
    })
  })

  it('closes within its grace while responses run, and removes its file', async () => {
    const other = await serve(opened.platform, { port: 0, graceMs: 100 })
    const { response } = open(`${other.url}/fn/web/lines`, { method: 'GET' })
    const answer = await response
    answer.on('error', () => undefined).resume()
    expect(await Promise.all([other.close(), other.close()])).to.deep.equal([1, 1])
    expect(await readHostFile(opened.dataDir)).to.equal(undefined)
    expect(await fetch(other.url).catch(() => 'refused')).to.equal('refused')
  })

  it('lets the owner of the data directory in beside those whom the host knows', async () => {
    const other = await serve(opened.platform, {
      port: 0,
      authenticate: (asked) => (asked.headers.get('x-user') === null ? null : { user: { id: 'known' } }),
    })
    const status = async (headers: Record<string, string>) => (await send(`${other.url}/api/functions`, { headers })).resume().statusCode
    expect(await Promise.all([status({}), status({ 'x-user': 'a' }), status({ authorization: `Bearer ${other.token}` })])).to.deep.equal([
      401, 200, 200,
    ])
    // By whatever name a proxy passes on.
    expect(await status({ 'x-user': 'a', host: 'functions.example.com' })).to.equal(200)
    await other.close()
  })

  it('listens where other machines can reach it only when it knows who asks', async () => {
    const failure: unknown = await serve(opened.platform, { port: 0, host: '0.0.0.0' }).catch((error: unknown) => error)
    expect(failure)
      .to.have.property('message')
      .that.matches(/^Cannot listen on 0\.0\.0\.0:\d+: without the option authenticate /)
    const other = await serve(opened.platform, { port: 0, host: '0.0.0.0', authenticate: () => null })
    expect(await get(`http://127.0.0.1:${other.port}/fn/double?n=1`)).to.include({ status: 200 })
    await other.close()
  })

  it('takes half a host.json for none', async () => {
    for (const content of ['', '{"pid":1', '[]', '{"pid":"1","url":"x","token":"y"}', '{"pid":-1,"url":"x","token":"y"}']) {
      await writeFile(join(opened.dataDir, 'host.json'), content)
      expect(await readHostFile(opened.dataDir)).to.equal(undefined)
    }
  })
})
