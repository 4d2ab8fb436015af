import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { netTable, PlatformError, resolveOptions } from '@cordon/contracts'
import { expect } from 'chai'
import { FunctionCalls } from '../dist/capabilities/function-calls.js'
import { Requests } from '../dist/capabilities/requests.js'
import { isOwnAddress, isPublicAddress } from '../dist/egress/addresses.js'
import { Answer } from '../dist/egress/answer.js'
import { Egress } from '../dist/egress/egress.js'
import { lookupsInTurn, type Lookup } from '../dist/egress/lookups-in-turn.js'
import { addressesOf, refusedUrls } from './support/refused-urls.ts'

const vault = { of: () => new Map<string, string>() }
const plain = { method: 'GET', headers: [], redirect: 'follow' }

describe('requests to what is not public', () => {
  let canary: Server
  let redirecting: Server
  let port: number
  let egress: Egress
  let hits = 0
  let location = ''
  let answers: Record<string, readonly string[]> = {}
  const asked: string[] = []
  const lookup: Lookup = (name, _, done) => {
    asked.push(name)
    const addresses = answers[name] ?? addressesOf[name]
    if (addresses === undefined) return done(Object.assign(new Error(`no address of ${name}`), { code: 'ENOTFOUND' }), [])
    done(
      null,
      addresses.map((address) => ({ address, family: isIP(address) || 4 })),
    )
  }

  before(async () => {
    canary = createServer((_, response) => {
      hits++
      response.end('canary')
    })
    redirecting = createServer((_, response) => void response.writeHead(307, { location }).end())
    canary.listen(0)
    redirecting.listen(0)
    await Promise.all([once(canary, 'listening'), once(redirecting, 'listening')])
    port = (canary.address() as AddressInfo).port
    answers = { 'trusted.test': ['127.0.0.1'] }
    egress = new Egress({ allowPrivate: [`trusted.test:${(redirecting.address() as AddressInfo).port}`, 'trusted.test:' + port], lookup })
  })
  after(async () => {
    await egress.close()
    canary.close()
    redirecting.close()
  })

  function requestsOf(net: readonly string[] = ['*']): Requests {
    const options = resolveOptions(netTable, { requests: 1000 })
    return new Requests(
      { egress, net: options, vault },
      { tenant: 't', function: 'f', stored: { manifest: { net, config: { secretHeaders: undefined } } } },
    )
  }

  async function codeOf(requests: Requests, url: string, number: number): Promise<string> {
    try {
      const answer = (await requests.call('fetch.start', { ...plain, fetch: number, url })) as {
        failed?: { code: string; message: string }
        status?: number
      }
      return answer.failed === undefined ? String(answer.status) : `${answer.failed.code} ${answer.failed.message}`
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error
      return error.code
    }
  }

  it('count what a chunk takes in memory, however short it is', () => {
    const pauses: number[] = []
    let chunks = 0
    const controller = { pause: () => pauses.push(chunks), resume: () => undefined, abort: () => undefined } as never
    const answer = new Answer(() => undefined)
    answer.onRequestStart(controller)
    for (; pauses.length === 0; chunks++) answer.onResponseData(controller, Buffer.from('a'))
    expect(chunks).to.be.below(1000)
    expect(answer.take().bytes.length).to.equal(chunks)
  })

  it('are refused at ports of other protocols, and at addresses of the machine itself', async () => {
    for (const [index, port] of [25, 6667, 22].entries())
      expect(await codeOf(requestsOf(), `http://trusted.test:${port}/`, index + 1)).to.equal('CAPABILITY_DENIED')
    expect(isOwnAddress('127.0.0.1')).to.equal(true)
    expect(isOwnAddress('2000::1')).to.equal(false)
    expect(isOwnAddress('93.184.216.34')).to.equal(false)
  })

  it('end with their invocation also when a number was given to another request meanwhile', async () => {
    const slow = createServer((request, response) => void (request.url === '/never' ? undefined : response.end('fast')))
    slow.listen(0)
    await once(slow, 'listening')
    const base = `http://localhost:${(slow.address() as AddressInfo).port}`
    const free = new Egress({ allowPrivate: [new URL(base).host] })
    const requests = new Requests(
      { egress: free, net: resolveOptions(netTable, {}), vault },
      { tenant: 't', function: 'f', stored: { manifest: { net: ['*'], config: { secretHeaders: undefined } } } },
    )
    const first = requests.call('fetch.start', { ...plain, fetch: 1, url: base })
    await requests.call('fetch.abort', { fetch: 1 })
    const closed = new Promise((resolve) => slow.on('connection', (socket) => socket.on('close', resolve)))
    const second = requests.call('fetch.start', { ...plain, fetch: 1, url: `${base}/never` })
    await first
    requests.end()
    expect(await Promise.resolve(second).catch((error: unknown) => error)).to.be.instanceOf(PlatformError)
    await closed
    await free.close()
    slow.close()
  })

  it('reach it where the platform allows that very host', async () => {
    expect(await codeOf(requestsOf(), `http://trusted.test:${port}/`, 1)).to.equal('200')
    expect(hits).to.equal(1)
    hits = 0
  })

  it(`do not, in ${refusedUrls.length} spellings, whatever the manifest says`, async () => {
    expect(refusedUrls).to.have.length.above(60)
    const requests = requestsOf()
    for (const [index, given] of refusedUrls.entries()) {
      const url = given.replaceAll('PORT', String(port))
      expect(await codeOf(requests, url, index + 1), url).to.be.oneOf(['CAPABILITY_DENIED', 'INVALID_INPUT'])
    }
    expect(hits).to.equal(0)
  })

  it('do not by a redirect from where they may go', async () => {
    const requests = requestsOf()
    const start = `http://trusted.test:${(redirecting.address() as AddressInfo).port}/`
    for (const [index, given] of refusedUrls.entries()) {
      // A header is ASCII; the parser of URLs has seen the rest above.
      location = encodeURI(given.replaceAll('PORT', String(port)))
        .replaceAll('%25', '%')
        .replaceAll('%5C', '\\')
        .replaceAll('%5B', '[')
        .replaceAll('%5D', ']')
      const code = await codeOf(requests, start, index + 1)
      expect(code, location).to.match(/^(?:CAPABILITY_DENIED|ERR_NETWORK .*)$/)
    }
    expect(hits).to.equal(0)
  })

  it('do not when a name leads elsewhere the next time it is asked for', async () => {
    const requests = requestsOf()
    asked.length = 0
    // In the range of public addresses, and nobody's.
    answers['rebinding.test'] = ['2000::1']
    // What it says while the first answer is being used does not matter: it is asked once for each connection.
    const first = codeOf(requests, `http://rebinding.test:${port}/`, 1)
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
    answers['rebinding.test'] = ['127.0.0.1']
    expect(await codeOf(requests, `http://rebinding.test:${port}/`, 2)).to.equal('CAPABILITY_DENIED')
    requests.end()
    await first
    expect(asked).to.deep.equal(['rebinding.test', 'rebinding.test'])
    expect(hits).to.equal(0)
  })

  it('do not to hosts and ports that the manifest does not name, without asking for their addresses', async () => {
    const requests = requestsOf(['trusted.test', '*.sub.test'])
    asked.length = 0
    const urls = [
      `http://trusted.test:${port}/`,
      'http://xtrusted.test/',
      'http://trusted.test.evil.test/',
      'http://sub.test/',
      'http://xsub.test/',
      'http://a.sub.test:81/',
    ]
    for (const [index, url] of urls.entries()) expect(await codeOf(requests, url, index + 1), url).to.equal('CAPABILITY_DENIED')
    expect(asked).to.deep.equal([])
    for (const [index, url] of ['https://a.sub.test/', 'http://a.b.sub.test:443/', 'http://A.SUB.test.:80/'].entries()) {
      expect(await codeOf(requests, url, index + 100), url).to.match(/^ENOTFOUND/)
    }
  })

  it('know public addresses', () => {
    for (const address of ['1.1.1.1', '93.184.216.34', '172.32.0.1', '192.0.1.1', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::1']) {
      expect(isPublicAddress(address), address).to.equal(true)
    }
    for (const address of ['', 'x', '127.0.0.1 ', '1.1.1', '2606:4700::1111%eth0', '::ffff:1.1.1.1', '4000::1']) {
      expect(isPublicAddress(address), address).to.equal(false)
    }
  })
})

describe('arguments that a sandbox sends of its own', () => {
  const egress = new Egress({ allowPrivate: [] })
  const url = 'http://a.test/'
  const bad: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['fetch.start', {}],
    ...[0, -1, 1.5, '1', null, 2 ** 60].map((fetch) => ['fetch.start', { ...plain, fetch, url }] as const),
    ...[
      undefined,
      7,
      '',
      '/path',
      'http://',
      'http://[',
      'http://a:99999/',
      'http://a b/',
      'http://u:p@a.test/',
      `http://a.test/${'x'.repeat(70_000)}`,
    ].map((one) => ['fetch.start', { ...plain, fetch: 1, url: one }] as const),
    ...[undefined, '', 'GET\r\n', 'A B', 'CONNECT', 'trace', 'x'.repeat(51)].map(
      (method) => ['fetch.start', { ...plain, fetch: 1, url, method }] as const,
    ),
    ...[undefined, {}, [1], [['a']], [['a b', 'c']], [['', 'c']], [['a', 'b\r\nhost: c']], [['a', 'b\0']], [['a', 'ā']], [['a', 7]]].map(
      (headers) => ['fetch.start', { ...plain, fetch: 1, url, headers }] as const,
    ),
    ['fetch.start', { ...plain, fetch: 1, url, headers: Array.from({ length: 201 }, () => ['a', 'b']) }],
    ['fetch.start', { ...plain, fetch: 1, url, headers: [['a', 'b'.repeat(70_000)]] }],
    ['fetch.start', { ...plain, fetch: 1, url, redirect: 'away' }],
    ['fetch.start', { ...plain, fetch: 1, url, body: 'stream' }],
    ['fetch.start', { ...plain, fetch: 1, url, method: 'POST', body: 7 }],
    ['fetch.start', { ...plain, fetch: 1, url, method: 'POST', body: { data: 'A'.repeat(1_500_000) } }],
    ...['1', -1, 0.5, NaN].map((length) => ['fetch.start', { ...plain, fetch: 1, url, method: 'POST', body: 'stream', length }] as const),
    ['fetch.read', {}],
    ['fetch.read', { fetch: 9 }],
    ['fetch.write', { fetch: 9 }],
    ['fetch.write', { fetch: 9, data: 7 }],
    ['fetch.write', { fetch: '9', data: '' }],
    ['fetch.abort', { fetch: {} }],
  ]

  it('are refused', async () => {
    const requests = new Requests(
      { egress, net: resolveOptions(netTable, undefined), vault },
      { tenant: 't', function: 'f', stored: { manifest: { net: ['*'], config: { secretHeaders: undefined } } } },
    )
    for (const [method, argument] of bad)
      expect(await refusal(requests.call(method, argument)), `${method} ${JSON.stringify(argument).slice(0, 200)}`).to.equal('INVALID_INPUT')
    for (const method of ['fetch', 'fetch.', 'fetch.constructor', 'fetch.toString']) expect(requests.call(method, {})).to.equal(undefined)
    const calls = new FunctionCalls(() => Promise.resolve(undefined), {
      version: { function: 'f', stored: { manifest: { functions: ['g', '__proto__'] } } },
      invocationId: 'i',
      user: null,
      chain: undefined,
    })
    for (const argument of [{}, { name: 7 }, { name: 'g', inputJson: 7 }, { name: 'g', inputJson: {} }]) {
      expect(await refusal(calls.invoke(argument, Date.now() + 1000))).to.equal('INVALID_INPUT')
    }
    await egress.close()
  })

  async function refusal(answer: Promise<unknown> | undefined): Promise<string> {
    try {
      await answer
      return 'taken'
    } catch (error) {
      return error instanceof PlatformError ? error.code : String(error)
    }
  }
})

describe('lookups of names', () => {
  it('are made one at a time, and one for all who wait for a name', () => {
    const asked: string[] = []
    const pending: Parameters<Lookup>[2][] = []
    const lookup = lookupsInTurn((name, _, done) => {
      asked.push(name)
      pending.push(done)
    })
    const told: string[] = []
    const tell =
      (who: string): Parameters<Lookup>[2] =>
      (error, addresses) =>
        void told.push(`${who}: ${error?.code ?? addresses[0]?.address}`)
    lookup('slow.test', { all: true }, tell('a'))
    lookup('other.test', { all: true }, tell('b'))
    lookup('slow.test', { all: true }, tell('c'))
    expect(asked).to.deep.equal(['slow.test'])
    pending[0]?.(Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' }), [])
    expect(asked).to.deep.equal(['slow.test', 'other.test'])
    pending[1]?.(null, [{ address: '203.0.113.7', family: 4 }])
    expect(told).to.deep.equal(['a: EAI_AGAIN', 'c: EAI_AGAIN', 'b: 203.0.113.7'])
    lookup('other.test', { all: true }, tell('d'))
    expect(asked, 'asked again, because it may lead elsewhere').to.deep.equal(['slow.test', 'other.test', 'other.test'])
  })
})
