import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { locate } from '../dist/late/location.js'
import { realRequest, realResponse, recordOf } from '../dist/late/real.js'
import { LateResponse } from '../dist/late/late-response.js'
import { sendResponse } from '../dist/node/send-response.js'
import { toRequest } from '../dist/node/to-request.js'
import { readBytes } from '../dist/routes/body.js'

/** Sends bytes to a server that translates every request; gives what came back up to the text that is waited for. @throws what a translation or an answer throws */
async function exchange(bytes: string, answer: (request: Request) => Promise<Response>, until = '\r\n\r\n'): Promise<string> {
  const failures: unknown[] = []
  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      await sendResponse(await answer(toRequest(incoming, outgoing).request), incoming, outgoing)
    } catch (error) {
      failures.push(error)
      outgoing.destroy()
    }
  }
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  try {
    socket.write(bytes)
    let text = ''
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      text += chunk.toString('latin1')
      if (text.includes(until)) break
    }
    if (failures.length > 0) throw failures[0]
    return text
  } finally {
    socket.destroy()
    server.close()
    await once(server, 'close')
  }
}

const post = 'POST /a%20b?c=1 HTTP/1.1\r\nHost: h:81\r\nContent-Length: 3\r\n'
const ok = () => new LateResponse({ text: 'grüße', headers: { 'content-type': 'text/plain' } })

describe('requests that become real late', () => {
  it('say what real ones say', async () => {
    const names = [
      'X-One: 1',
      'x-many: a',
      'X-Many: b',
      'Cookie: a=1',
      'cookie: b=2',
      '__proto__: p',
      'constructor: c',
      'x-empty:',
      'Age: 1',
      'age: 2',
    ]
    await exchange(`${post}${names.join('\r\n')}\r\n\r\nabc`, async (request) => {
      const late = { ...recordOf(request.headers) }
      for (const name of [...Object.keys(late), 'X-MANY', 'toString', 'hasOwnProperty', 'x-none']) {
        const pair = [request.headers.get(name), request.headers.has(name)]
        expect(pair, name).to.deep.equal([realRequest(request).headers.get(name), realRequest(request).headers.has(name)])
      }
      expect(Object.entries(late)).to.have.deep.members([...realRequest(request).headers])
      expect(request.url).to.equal('http://h:81/a%20b?c=1').and.to.equal(realRequest(request).url)
      expect(realRequest(request)).to.be.an.instanceof(Request)
      expect(await new Request(realRequest(request)).text()).to.equal('abc')
      return ok()
    })
  })

  it('are read once, by whoever comes first', async () => {
    await exchange(`${post}\r\nabc`, async (request) => {
      expect(Buffer.from(await readBytes(request, 3)).toString()).to.equal('abc')
      expect(request.bodyUsed).to.equal(true)
      expect(() => realRequest(request)).to.throw(TypeError, 'was read')
      return ok()
    })
    await exchange(`${post}\r\nabc`, async (request) => {
      expect(await request.text()).to.equal('abc')
      expect(await readBytes(request, 3).catch((error: unknown) => error)).to.include({ code: 'INVALID_INPUT' })
      return ok()
    })
    await exchange(`${post}\r\nabc`, async (request) => {
      expect(await readBytes(request, 2).catch((error: unknown) => error)).to.include({ code: 'PAYLOAD_TOO_LARGE' })
      return ok()
    })
  })

  it('are given up with their connection, real ones with their exchange', async () => {
    const signals: AbortSignal[] = []
    await exchange(`${post}\r\nabc`, async (request) => {
      signals.push(request.signal, realRequest(request).signal)
      expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false, false])
      return ok()
    })
    const [late] = signals
    if (late?.aborted === false) await once(late, 'abort')
    // The exchange was complete when the connection was closed.
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, false])
  })

  it('are refused when they name two hosts', async () => {
    const error = await exchange(`GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`, async () => ok()).catch((thrown: unknown) => thrown)
    expect(error).to.include({ code: 'INVALID_INPUT' })
  })

  it('have the URL that a parser would give them', () => {
    const text = fc.string({ unit: fc.constantFrom(...'/.?%&=+-~_aZ09 \\#@:;\'"<>|{}^`ä'.split(''), '%2e', '..', '//'), maxLength: 12 })
    fc.assert(
      fc.property(text, (rest) => {
        const { href, origin, pathname, search } = locate('http://h:81', `/${rest}`)
        const url = new URL(`http://h:81/${rest}`)
        expect({ href, origin, pathname, search }).to.deep.equal({ href: url.href, origin: url.origin, pathname: url.pathname, search: url.search })
      }),
      { numRuns: 2000 },
    )
  })
})

describe('responses that become real late', () => {
  it('are sent as a whole, with their length', async () => {
    const text = await exchange(`${post}\r\nabc`, async () => ok(), 'e')
    expect(text.toLowerCase()).to.include('content-length: 7').and.to.include('content-type: text/plain').and.not.to.include('transfer-encoding')
  })

  it('say what real ones say, and take headers', async () => {
    const late = ok()
    late.headers.set('x-one', '1')
    late.headers.append('set-cookie', 'a=1')
    expect(late.headers.getSetCookie()).to.deep.equal(['a=1'])
    const real = realResponse(late)
    expect(real).to.be.an.instanceof(Response)
    expect([...real.headers]).to.deep.include(['x-one', '1'])
    expect(await real.text()).to.equal('grüße')
    expect(late.bodyUsed).to.equal(true)
  })
})
