import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import type { FactHandler } from '../dist/handler.js'
import { realRequest } from '../dist/late/real.js'
import { answer } from '../dist/node/node-adapter.js'
import { followConnections } from '../dist/node/connections.js'
import { readBytes } from '../dist/routes/body.js'

/** Serves with the exchange of the entries around any handler. */
async function serving(handle: FactHandler): Promise<{ server: Server; port: number }> {
  const server = createServer((incoming, outgoing) => void answer(handle, incoming, outgoing, () => ({})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

describe('an exchange over node:http', () => {
  for (const kind of ['late', 'real'] as const) {
    it(`tells all of several ${kind} requests that were sent at once when their connection is closed`, async () => {
      const aborted: string[] = []
      let told: () => void = () => undefined
      const all = new Promise<void>((resolve) => (told = resolve))
      let here: () => void = () => undefined
      const arrived = new Promise<void>((resolve) => (here = resolve))
      let count = 0
      const { server, port } = await serving(async (given) => {
        const request = kind === 'real' ? realRequest(given) : given
        const { pathname } = new URL(request.url)
        const { signal } = request
        if (++count === 3) here()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        aborted.push(pathname)
        if (aborted.length === 3) told()
        return new Response(null)
      })
      const connections = followConnections(server)
      const socket = connect(port, '127.0.0.1')
      socket.write(['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nhost: h\r\n\r\n`).join(''))
      await arrived
      socket.destroy()
      await all
      expect(aborted.toSorted()).to.deep.equal(['/1', '/2', '/3'])
      expect(await connections.drain({ noticeMs: 0, graceMs: 10_000 }), 'cut').to.equal(0)
    })
  }

  it('cancels the body of a response that waits behind another one', async () => {
    let cancelled: () => void = () => undefined
    const isCancelled = new Promise<void>((resolve) => (cancelled = resolve))
    let begun: () => void = () => undefined
    const isBegun = new Promise<void>((resolve) => (begun = resolve))
    const { server, port } = await serving(async (request) => {
      if (request.url.endsWith('/first')) return new Promise(() => undefined)
      const chunk = new Uint8Array(65_536)
      let given = 0
      return new Response(
        new ReadableStream({
          pull(controller) {
            given += 1
            if (given === 2) begun()
            controller.enqueue(chunk)
          },
          cancel: () => cancelled(),
        }),
      )
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /first HTTP/1.1\r\nhost: h\r\n\r\nGET /second HTTP/1.1\r\nhost: h\r\n\r\n')
    await isBegun
    socket.destroy()
    await isCancelled
    server.close()
  })

  it('says that a body was read before, instead of waiting for its end', async () => {
    const server = createServer((incoming, outgoing) => {
      const handle: FactHandler = async (request) =>
        readBytes(request, 100).then(
          () => new Response('read'),
          (error: unknown) => new Response(String(error)),
        )
      void text(incoming).then(() => answer(handle, incoming, outgoing, () => ({})))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'x' })
    expect(await response.text()).to.contain('it ended early or was read before')
    server.close()
  })

  it('takes bodies and the name of the host as HTTP/2 has them', async () => {
    const handle: FactHandler = async (request) => new Response(`${request.url} ${Buffer.from(await readBytes(request, 100)).toString()}`)
    // Compatible with what the types of node:http say, as its documents promise.
    const server = createHttp2Server((incoming, outgoing) => void answer(handle, incoming as never, outgoing as never, () => ({})))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = connectHttp2(`http://127.0.0.1:${port}`)
    const stream = client.request({ ':method': 'POST', ':path': '/x' })
    stream.end('12345')
    expect(await text(stream)).to.equal(`http://127.0.0.1:${port}/x 12345`)
    client.close()
    server.close()
  })
})
