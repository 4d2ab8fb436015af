import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { createPlatform, PlatformError, type CapabilityChange, type Platform } from '@cordon/core'
import { withSecretHeaders } from '../dist/capabilities/secret-headers.js'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

/** Everything that a function can reach from what it has, as one text. */
const dump = `function dump(...roots) {
  const seen = new Set(), texts = []
  const visit = (value) => {
    if (typeof value === 'string') return void texts.push(value)
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
    seen.add(value)
    // Getters of prototypes that are asked without an object answer with a rejected promise.
    if (value instanceof Promise) value.then(visit, visit)
    if (ArrayBuffer.isView(value)) texts.push(Buffer.from(value.buffer).toString('latin1'))
    if (value instanceof Map || value instanceof Set || value instanceof Headers) for (const one of value) visit(one)
    // What getters of its classes say of it, too: objects of the web keep everything in private fields.
    for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
      for (const key of Reflect.ownKeys(at)) {
        if (typeof key === 'string') texts.push(key)
        try { visit(value[key]) } catch (error) { visit(error) }
      }
    }
    visit(Object.getPrototypeOf(value))
  }
  for (const root of roots) visit(root)
  return texts.join('\\n')
}`

describe('headers with secrets', function () {
  this.timeout(30_000)
  let platform: Platform
  let remove: () => Promise<void>
  let server: Server
  let port: number
  const got: (readonly [url: string | undefined, authorization: string | undefined, own: string | undefined])[] = []
  const told: string[] = []
  const logger = createNotingLogger()

  before(async () => {
    server = createServer((request, response) => {
      got.push([request.url, request.headers.authorization, request.headers['x-own'] as string | undefined])
      if (request.url === '/here') return void response.writeHead(307, { location: '/there' }).end()
      if (request.url === '/away') return void response.writeHead(307, { location: `http://127.0.0.1:${port}/back` }).end()
      if (request.url === '/back') return void response.writeHead(307, { location: `http://localhost:${port}/end` }).end()
      if (request.url === '/rotate') return void platform.secrets.set('KEY', 'new').then(() => response.end())
      response.end('fine')
    })
    server.listen(0)
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    const scratch = await createScratch()
    remove = scratch.remove
    platform = await createPlatform({
      dataDir: join(scratch.path, 'data'),
      logger,
      net: { allowPrivate: [`localhost:${port}`, `127.0.0.1:${port}`] },
      allow: { secrets: ['KEY', 'OTHER'] },
    })
    for (const event of ['deployment', 'invocation', 'sandbox', 'warning'] as const)
      platform.on(event, (value) => void told.push(JSON.stringify(value)))
  })
  after(async () => {
    await platform.close()
    server.close()
    await remove()
  })
  beforeEach(() => {
    got.length = 0
  })

  function deploy(body: string, config: object = {}) {
    const secretHeaders = { [`localhost:${port}`]: { Authorization: 'Bearer {KEY}' } }
    return platform.deploy({ name: 'f', source: handler(body, dump), config: { net: [`127.0.0.1:${port}`], secretHeaders, ...config } })
  }

  it('are sent instead of those of the function, with the value that is set then, and are in nothing that it can see', async () => {
    await platform.secrets.set('KEY', 'sk_secret_1')
    await deploy(
      `const error = await fetch(input.url, { headers: { 'content-length': '1', host: 'x', 'x-own': 'y\\u0100' } }).catch((error) => error)
       const request = new Request(input.url, { headers: { authorization: 'mine', 'X-Own': 'own' } })
       const response = await fetch(request)
       const denied = (() => { try { return ctx.secrets[input.name] } catch (error) { return error } })()
       console.log(response, request, ctx)
       return { denied: denied.code, all: dump(globalThis, process, ctx, input, request, response, error, denied, ctx.secrets, await response.text()) }`,
    )
    const input = { url: `http://localhost:${port}/`, name: 'KEY' }
    const { output, ...rest } = await platform.invoke<object, { denied: string; all: string }>('f', input)
    expect(got).to.deep.equal([['/', 'Bearer sk_secret_1', 'own']])
    expect(output.denied).to.equal('CAPABILITY_DENIED')
    expect(output.all).to.contain('mine').and.contain('fine').and.not.contain('sk_secret')
    await platform.secrets.set('KEY', 'sk_secret_2')
    await platform.invoke('f', input)
    expect(got[1]?.[1]).to.equal('Bearer sk_secret_2')
    const records = [
      await platform.invocations(),
      await platform.logs(),
      await platform.functions.get('f'),
      await platform.functions.deployments('f'),
    ]
    expect(JSON.stringify([rest, records, told, logger.lines, platform.stats()])).not.to.contain('sk_secret')
    for await (const item of platform.tenants.export('default')) expect(JSON.stringify(item)).not.to.contain('sk_secret')
  })

  it('change with the next call of a warm sandbox, as ctx.secrets does, and during an invocation', async () => {
    await platform.secrets.set('KEY', 'old')
    await deploy('await fetch(input.url); await fetch(input.url)')
    await platform.invoke('f', { url: `http://localhost:${port}/rotate` })
    expect(got.map(([, authorization]) => authorization)).to.deep.equal(['Bearer old', 'Bearer new'])
    await deploy('await fetch(input.url); return ctx.secrets.KEY')
    const input = { url: `http://localhost:${port}/` }
    expect((await platform.invoke('f', input)).output).to.equal('new')
    await platform.secrets.set('KEY', 'newer')
    expect(await platform.invoke('f', input)).to.include({ output: 'newer', coldStart: false })
    expect(got.at(-1)?.[1]).to.equal('Bearer newer')
    await platform.secrets.remove('KEY')
    await rejection(platform.invoke('f', input), 'CAPABILITY_DENIED')
  })

  it('stay with the origin that they are meant for', async () => {
    await platform.secrets.set('KEY', 'key')
    await deploy(
      `await (await fetch(input.origin + '/here')).text(); await (await fetch(input.origin + '/away')).text(); await fetch(input.other, { headers: { authorization: 'mine' } })`,
    )
    await platform.invoke('f', { origin: `http://localhost:${port}`, other: `http://127.0.0.1:${port}/other` })
    expect(got.map(([url, authorization]) => [url, authorization])).to.deep.equal([
      ...[
        ['/here', 'Bearer key'],
        ['/there', 'Bearer key'],
        ['/away', 'Bearer key'],
        ['/back', undefined],
        ['/end', undefined],
      ],
      ['/other', 'mine'],
    ])
  })

  it('fail the request when their secret is missing or cannot be in a header, or the way is not encrypted', async () => {
    const input = { url: `http://localhost:${port}/` }
    await deploy('return fetch(input.url)', { secretHeaders: { [`localhost:${port}`]: { 'x-key': '{OTHER}' }, 'far.example': { 'x-key': '{KEY}' } } })
    const missing = await rejection(platform.invoke('f', input), 'CAPABILITY_DENIED')
    expect(missing.message).to.contain('the secret "OTHER" of its header "x-key" is not set')
    for (const value of ['sk_line\n', 'sk_ā', '']) {
      await platform.secrets.set('OTHER', value)
      const error = await rejection(platform.invoke('f', input), 'CAPABILITY_DENIED')
      expect(error.message).to.contain('the secret "OTHER" cannot be in the header "x-key"').and.not.contain('sk_')
    }
    expect((await rejection(platform.invoke('f', { url: 'http://far.example/' }), 'CAPABILITY_DENIED')).message).to.contain('https:')
    expect(got).to.deep.equal([])
  })

  it('are those of the host before those of all below a name', () => {
    const request = {
      url: new URL('https://a.example.com/x'),
      method: 'GET',
      headers: [['x-one', 'own']],
      redirect: 'follow',
      ofOrigin: [],
      body: undefined,
    } as const
    const declared = {
      'a.example.com': { 'x-one': '1{K}' },
      '*.example.com': { 'x-one': '2{K}', 'x-two': '2{K}{K}' },
      '*.com': { 'x-two': '3{K}', 'x-three': '3{K}' },
      'b.example.com': { 'x-four': '{K}' },
      'a.example.com:8443': { 'x-four': '{K}' },
    }
    const { headers, ofOrigin } = withSecretHeaders(request, { declared, values: new Map([['K', '$1']]), allowPrivate: [] })
    expect(Object.fromEntries(headers)).to.deep.equal({ 'x-one': '1$1', 'x-two': '2$1$1', 'x-three': '3$1' })
    expect(ofOrigin.toSorted()).to.deep.equal(['x-one', 'x-three', 'x-two'])
  })

  it('are bounded, however often a value names a secret', () => {
    const url = new URL('https://api.example.com/')
    const request = { url, method: 'GET', headers: [], redirect: 'follow', ofOrigin: [], body: undefined } as const
    const declared = { 'api.example.com': { a: '{K}'.repeat(300), b: '{K}'.repeat(300) } }
    const values = new Map([['K', 'x'.repeat(65_536)]])
    expect(() => withSecretHeaders(request, { declared, values, allowPrivate: [] })).to.throw(PlatformError, 'more than 65536 characters')
  })

  it('are capabilities, and refused where the policy does not allow their secret', async () => {
    const secretHeaders = { 'api.example.com': { authorization: 'Bearer {KEY}', 'x-key': '{KEY}' } }
    const upload = { name: 'g', source: handler('return 1'), config: { secretHeaders } }
    const asked = await rejection(platform.deploy({ ...upload, approved: [{ kind: 'secret', name: 'KEY' }] }), 'DEPLOYMENT_REJECTED')
    const { added } = asked.details['capabilities'] as CapabilityChange
    const { capabilities, manifest } = await platform.deploy({ ...upload, approved: added })
    expect(capabilities.added).to.deep.equal([
      { kind: 'net', name: 'api.example.com' },
      { kind: 'secret', name: 'KEY', sentTo: 'api.example.com' },
    ])
    expect([manifest.net, manifest.secrets]).to.deep.equal([['api.example.com'], []])
    const again = await platform.deploy({ name: 'g', source: handler('return ctx.secrets.KEY') })
    expect(again.capabilities).to.deep.equal({ added: [{ kind: 'secret', name: 'KEY' }], removed: capabilities.added })
    const source = handler('return 1', `export const config = { secretHeaders: { 'a.example': { 'x-key': 'a {FORBIDDEN}' } } }`)
    const refused = await rejection(platform.deploy({ name: 'g', source }), 'DEPLOYMENT_REJECTED')
    const [found] = refused.details['diagnostics'] as { message: string; frame: string; line: number }[]
    expect(found?.message).to.contain('The secret "FORBIDDEN" in a header to "a.example" is not allowed here').and.contain('allow.secrets')
    expect(found?.frame).to.contain('a {FORBIDDEN}')
  })
})
