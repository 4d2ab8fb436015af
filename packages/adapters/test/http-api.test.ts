import { readFile } from 'node:fs/promises'
import { createHandler, type Handler } from '@cordon/adapters'
import type { PlatformError } from '@cordon/core'
import { expect } from 'chai'
import { fixture, openPlatform, type OpenPlatform } from './support/open-platform.ts'

const base = 'http://host.test'

describe('the API over HTTP', () => {
  let opened: OpenPlatform
  let handle: Handler

  before(async () => {
    opened = await openPlatform(['double', 'web', 'fails'], { limits: { payloadBytes: 20_000 } })
    handle = createHandler(opened.platform)
  })
  after(() => opened.close())

  function call(path: string, init?: RequestInit): Promise<Response> {
    return handle(new Request(base + path, init))
  }

  function post(path: string, body: unknown): Promise<Response> {
    return call(path, { method: 'POST', body: JSON.stringify(body) })
  }

  async function problem(response: Response, status: number, code: string): Promise<Record<string, unknown>> {
    const body = (await response.json()) as Record<string, unknown>
    expect(body).to.include({ status, code })
    expect(response.status).to.equal(status)
    expect(response.headers.get('content-type')).to.equal('application/problem+json')
    expect(body).to.include.all.keys('type', 'title', 'status', 'detail', 'code', 'origin', 'retryable')
    return body
  }

  describe('deploy', () => {
    const source = '/** @function */\nexport default async function hi() { return 1 }\n'

    it('takes JSON with a source', async () => {
      const response = await post('/api/functions/deploy', { name: 'from-source', source, label: 'first' })
      expect(response.status).to.equal(201)
      const body = (await response.json()) as Record<string, unknown>
      expect(body).to.have.all.keys('name', 'version', 'created', 'diagnostics', 'manifest', 'schemas', 'capabilities', 'migrations')
      expect(body).to.include({ name: 'from-source', created: true })
      const again = (await (await post('/api/functions/deploy', { name: 'from-source', source })).json()) as Record<string, unknown>
      expect(again).to.include({ created: false, version: body['version'] })
    })

    it('takes JSON with files, as text and as base64', async () => {
      const helper = { base64: Buffer.from('export const one = 41\n').toString('base64') }
      const files = {
        'main.ts': "import { one } from './lib/one.ts'\n/** @function */\nexport default async function f() { return one + 1 }\n",
        'lib/one.ts': helper,
      }
      expect((await post('/api/functions/deploy', { name: 'from-files', files, entry: 'main.ts' })).status).to.equal(201)
      expect(await (await call('/fn/from-files')).json()).to.equal(42)
    })

    it('takes multipart with an archive', async () => {
      const form = new FormData()
      form.set('name', 'from-archive')
      form.set('archive', new Blob([await zipOf('index.ts', source)]), 'upload.zip')
      const response = await call('/api/functions/deploy', { method: 'POST', body: form })
      expect(await response.json()).to.include({ name: 'from-archive', created: true })
      expect(response.status).to.equal(201)
    })

    it('analyzes without deploying, and refuses what is not approved with the difference', async () => {
      const greedy = `/** @function */\nexport default async function f(input: unknown, ctx) { return ctx.secrets.KEY }\n`
      const added = [{ kind: 'secret', name: 'KEY' }]
      const response = await post('/api/functions/analyze', { name: 'greedy', source: greedy })
      const body = (await response.json()) as Record<string, unknown>
      expect(response.status).to.equal(200)
      expect(body).to.have.all.keys('ok', 'diagnostics', 'manifest', 'schemas', 'capabilities')
      expect(body).to.deep.include({ ok: true, capabilities: { added, removed: [] } })
      expect(await (await post('/api/functions/analyze', { name: 'greedy', source: 'nonsense' })).json()).to.include({ ok: false })
      const refused = await problem(await post('/api/functions/deploy', { name: 'greedy', source: greedy, approved: [] }), 422, 'DEPLOYMENT_REJECTED')
      expect(refused['capabilities']).to.deep.equal({ added, removed: [] })
      expect((await call('/api/functions/greedy')).status).to.equal(404)
      const form = new FormData()
      form.set('name', 'greedy')
      form.set('approved', JSON.stringify(added))
      form.set('archive', new Blob([await zipOf('index.ts', greedy)]), 'upload.zip')
      expect((await call('/api/functions/deploy', { method: 'POST', body: form })).status).to.equal(201)
      await problem(await post('/api/functions/deploy', { name: 'greedy', source: greedy, approved: 'all' }), 400, 'INVALID_OPTION')
    })

    it('answers a refused upload with 422 and the diagnostics', async () => {
      const body = await problem(
        await post('/api/functions/deploy', { name: 'bad', source: 'export default async function f() {}' }),
        422,
        'DEPLOYMENT_REJECTED',
      )
      expect(body['diagnostics']).to.be.an('array').with.length.above(0)
      expect((body['diagnostics'] as Record<string, unknown>[])[0]).to.include.keys('rule', 'severity', 'message', 'file', 'line', 'column', 'frame')
    })

    it('says which field is wrong', async () => {
      for (const body of [
        { source },
        { name: 5, source },
        { name: 'x', source, files: {} },
        { name: 'x', files: { a: 5 } },
        { name: 'x' },
        { name: 'x', source, nmae: 1 },
        { name: '../x', source },
        { name: 'x', source, config: [] },
      ]) {
        await problem(await post('/api/functions/deploy', body), 400, 'INVALID_OPTION')
      }
      await problem(await post('/api/functions/deploy', 'text'), 400, 'INVALID_INPUT')
      await problem(await call('/api/functions/deploy', { method: 'POST', body: '{"name":' }), 400, 'INVALID_INPUT')
      const broken = { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--y\r\nno' }
      await problem(await call('/api/functions/deploy', broken), 400, 'INVALID_INPUT')
    })

    it('refuses a body above uploadBytes', async () => {
      const small = createHandler(opened.platform, { uploadBytes: 100 })
      const body = JSON.stringify({ name: 'big', source: 'x'.repeat(100) })
      await problem(await small(new Request(`${base}/api/functions/deploy`, { method: 'POST', body })), 413, 'PAYLOAD_TOO_LARGE')
    })
  })

  describe('secrets', () => {
    const put = (name: string, body: string) => call(`/api/secrets/${name}`, { method: 'PUT', body })

    it('are set, listed without their values, and removed', async () => {
      expect((await put('API.KEY-1', '{"value":"s3cret"}')).status).to.equal(204)
      const text = await (await call('/api/secrets')).text()
      expect(JSON.parse(text)).to.deep.include({ next: null })
      expect(text).to.contain('"name":"API.KEY-1"').and.to.contain('"updatedAt":').and.not.to.contain('s3cret')
      expect((await call('/api/secrets/API.KEY-1', { method: 'DELETE' })).status).to.equal(204)
      expect(await (await call('/api/secrets')).json()).to.deep.equal({ items: [], next: null })
    })

    it('say what is wrong without the value, and take no body that is larger than any value', async () => {
      for (const [name, body] of [
        ['1BAD', '{"value":"s3cret"}'],
        ['KEY', '{"value":["s3cret"]}'],
        ['KEY', '{"vlaue":"s3cret"}'],
        ['KEY', JSON.stringify({ value: 's3cret'.repeat(20_000) })],
        ['KEY', ''],
      ] as const) {
        expect(JSON.stringify(await problem(await put(name, body), 400, 'INVALID_OPTION'))).not.to.contain('s3cret')
      }
      await problem(await put('KEY', `{"value":"${'x'.repeat(400_000)}"}`), 413, 'PAYLOAD_TOO_LARGE')
      expect((await put('KEY', JSON.stringify({ value: '\u0001'.repeat(65_536) }))).status).to.equal(204)
      await call('/api/secrets/KEY', { method: 'DELETE' })
      expect((await call('/api/secrets/KEY')).status).to.equal(405)
    })
  })

  describe('functions', () => {
    it('lists and shows them', async () => {
      const list = (await (await call('/api/functions')).json()) as { items: { name: string }[]; next: null }
      expect(list.items.map((one) => one.name)).to.include.members(['double', 'web'])
      expect(list.next).to.equal(null)
      expect(await (await call('/api/functions/double')).json()).to.include.keys('name', 'version', 'createdAt', 'updatedAt', 'manifest')
      const head = await call('/api/functions/double', { method: 'HEAD' })
      expect(head.status).to.equal(200)
      expect(await head.text()).to.equal('')
    })

    it('rolls back to the previous live version and to a named one', async () => {
      const versions = []
      for (const n of [1, 2]) {
        const response = await post('/api/functions/deploy', {
          name: 'rolling',
          source: `/** @function */\nexport default async function f() { return ${n} }\n`,
        })
        versions.push(((await response.json()) as { version: string }).version)
      }
      const [first, second] = versions
      expect(await (await call('/api/functions/rolling/rollback', { method: 'POST' })).json()).to.deep.equal({ name: 'rolling', version: first })
      expect(await (await call('/fn/rolling')).json()).to.equal(1)
      expect(await (await post('/api/functions/rolling/rollback', { version: second })).json()).to.deep.equal({ name: 'rolling', version: second })
      const { items } = (await (await call('/api/functions/rolling/versions')).json()) as { items: { version: string; live: boolean }[] }
      expect(items.find((one) => one.live)?.version).to.equal(second)
      await problem(await post('/api/functions/rolling/rollback', { version: 'v_0000000000000000' }), 404, 'VERSION_NOT_FOUND')
      await problem(await post('/api/functions/rolling/rollback', { version: 5 }), 400, 'INVALID_OPTION')
    })

    it('deletes one, also one that is called deploy', async () => {
      for (const name of ['doomed', 'deploy']) {
        await post('/api/functions/deploy', { name, source: await readFile(fixture('nothing'), 'utf8') })
        expect((await call(`/api/functions/${name}`)).status).to.equal(200)
        expect((await call(`/api/functions/${name}`, { method: 'DELETE' })).status).to.equal(204)
        await problem(await call(`/api/functions/${name}`), 404, 'FUNCTION_NOT_FOUND')
      }
    })
  })

  describe('invoke', () => {
    it('gives the output and what became of the call', async () => {
      const body = (await (await post('/api/functions/double/invoke', { body: { n: 21 }, query: { a: '1', b: ['2', '3'] } })).json()) as Record<
        string,
        unknown
      >
      expect(body).to.have.all.keys('invocationId', 'output', 'version', 'durationMs', 'coldStart', 'used')
      expect(body['output']).to.deep.include({ doubled: 42 })
      expect((body['output'] as { request: unknown }).request).to.deep.include({ method: 'POST', query: { a: '1', b: ['2', '3'] } })
    })

    it('takes null for a body', async () => {
      await post('/api/functions/deploy', { name: 'same', source: '/** @function */\nexport default async (input: unknown) => ({ input })\n' })
      const body = (await (await post('/api/functions/same/invoke', { body: null, query: { n: '1' } })).json()) as { output: unknown }
      expect(body.output).to.deep.equal({ input: null })
    })

    it('takes the query as input when there is no body', async () => {
      const body = (await (await post('/api/functions/double/invoke', { query: { n: '4' } })).json()) as { output: { doubled: number } }
      expect(body.output.doubled).to.equal(8)
    })

    it('shows the owner the exception with its stack', async () => {
      const body = await problem(await post('/api/functions/fails/invoke', {}), 502, 'FUNCTION_ERROR')
      expect(body['detail']).to.contain('the shelf is empty')
      expect(body['error']).to.include({ name: 'RangeError', message: 'the shelf is empty' })
      expect(body['invocationId']).to.be.a('string')
    })

    it('refuses what it cannot use', async () => {
      await problem(await post('/api/functions/double/invoke', { n: 5 }), 400, 'INVALID_OPTION')
      await problem(await post('/api/functions/double/invoke', { query: { n: 5 } }), 400, 'INVALID_OPTION')
      await problem(await post('/api/functions/web/invoke', { body: 1 }), 400, 'INVALID_INPUT')
      await problem(await post('/api/functions/absent/invoke', {}), 404, 'FUNCTION_NOT_FOUND')
      await problem(await post('/api/functions/double/invoke', { version: 'v_1' }), 404, 'VERSION_NOT_FOUND')
      await problem(await post('/api/functions/double/invoke', { body: 'x'.repeat(20_000) }), 413, 'PAYLOAD_TOO_LARGE')
      await problem(await post('/api/functions/double/invoke', [1]), 400, 'INVALID_OPTION')
    })

    it('does not pass the credentials of the owner to the function', async () => {
      const response = await call('/api/functions/double/invoke', {
        method: 'POST',
        headers: { authorization: 'Bearer secret', cookie: 'session=1' },
        body: '{"body":{"n":1}}',
      })
      expect(await response.text())
        .not.to.contain('secret')
        .and.not.to.contain('session')
    })
  })

  describe('records', () => {
    it('pages through logs and invocations', async () => {
      for (const n of [1, 2, 3]) await post('/api/functions/double/invoke', { body: { n } })
      for (const kind of ['logs', 'invocations']) {
        const first = (await (await call(`/api/functions/double/${kind}?limit=2`)).json()) as { items: unknown[]; next: string }
        expect(first.items).to.have.length(2)
        const second = (await (await call(`/api/functions/double/${kind}?limit=2&cursor=${encodeURIComponent(first.next)}`)).json()) as {
          items: unknown[]
        }
        expect(second.items.length).to.be.at.least(1)
        expect(second.items[0]).not.to.deep.equal(first.items[0])
      }
      const all = (await (await call('/api/invocations?outcome=FUNCTION_ERROR')).json()) as { items: { function: string }[] }
      expect(all.items.every((one) => one.function === 'fails')).to.equal(true)
    })

    it('follows logs line by line until the reader goes away', async () => {
      const stop = new AbortController()
      const response = await handle(new Request(`${base}/api/logs?follow=true`, { signal: stop.signal }))
      expect(response.headers.get('content-type')).to.equal('application/x-ndjson')
      const reader = response.body?.getReader()
      // The first read starts the subscription.
      const next = reader?.read()
      await post('/api/functions/double/invoke', { body: { n: 1 } })
      const chunk = await next
      expect(JSON.parse(new TextDecoder().decode(chunk?.value))).to.include({ message: 'doubling', function: 'double' })
      await reader?.cancel()
      stop.abort()
    })

    it('names the parameter that is wrong', async () => {
      for (const query of ['limit=0', 'limit=x', 'level=loud', 'since=tomorrow']) {
        const body = await problem(await call(`/api/functions/double/logs?${query}`), 400, 'INVALID_OPTION')
        expect(body['detail']).to.contain(query.split('=')[0])
      }
      await problem(await call('/api/invocations?outcome=great'), 400, 'INVALID_OPTION')
      await problem(await call('/api/functions/absent/logs'), 404, 'FUNCTION_NOT_FOUND')
      await problem(await call('/api/functions/absent/invocations'), 404, 'FUNCTION_NOT_FOUND')
    })
  })

  describe('routes and methods', () => {
    it('answers an unknown route with 404 and a wrong method with 405', async () => {
      for (const path of ['/', '/api', '/api/', '/api/functions/a/b', '/apix', '/fnx/double']) await problem(await call(path), 404, 'INVALID_OPTION')
      const response = await call('/api/functions', { method: 'PUT' })
      expect(response.headers.get('allow')).to.equal('GET, HEAD, OPTIONS')
      await problem(response, 405, 'INVALID_OPTION')
    })

    it('answers OPTIONS with what is allowed', async () => {
      const response = await call('/api/functions/double', { method: 'OPTIONS' })
      expect(response.status).to.equal(204)
      expect(response.headers.get('allow')).to.equal('GET, HEAD, DELETE, OPTIONS')
    })

    it('forbids sniffing and storing', async () => {
      for (const path of ['/api/functions', '/nowhere']) {
        const { headers } = await call(path)
        expect([headers.get('x-content-type-options'), headers.get('cache-control')]).to.deep.equal(['nosniff', 'no-store'])
      }
    })

    it('strips basePath and answers nothing outside of it', async () => {
      const mounted = createHandler(opened.platform, { basePath: '/cordon' })
      expect((await mounted(new Request(`${base}/cordon/api/functions`))).status).to.equal(200)
      expect(await (await mounted(new Request(`${base}/cordon/fn/web//evil.test/x`))).json()).to.include({
        url: `${base}//evil.test/x`,
        original: `${base}/cordon/fn/web//evil.test/x`,
      })
      await problem(await mounted(new Request(`${base}/cordonx/api/functions`)), 404, 'INVALID_OPTION')
      for (const basePath of ['cordon', '/cordon/', '/a?b', 5])
        expect(() => createHandler(opened.platform, { basePath: basePath as string })).to.throw('basePath')
    })
  })

  describe('authenticate', () => {
    const guarded = () =>
      createHandler(opened.platform, {
        authenticate(request) {
          const who = request.headers.get('x-user')
          if (who === 'crash') throw new Error('the directory is down')
          return who === null ? null : { user: { id: who }, ...(who === 'stranger' ? { tenant: 'acme' } : {}) }
        },
      })

    it('refuses the API without credentials', async () => {
      const response = await guarded()(new Request(`${base}/api/functions`))
      expect(response.headers.get('www-authenticate')).to.equal('Bearer')
      await problem(response, 401, 'UNAUTHENTICATED')
      expect((await guarded()(new Request(`${base}/api/functions`, { headers: { 'x-user': 'ada' } }))).status).to.equal(200)
    })

    it('shows a caller of another tenant nothing of this one', async () => {
      const reply = await guarded()(new Request(`${base}/api/functions`, { headers: { 'x-user': 'stranger' } }))
      expect(await reply.json()).to.deep.equal({ items: [], next: null })
    })

    it('does not tell a stranger what went wrong inside the host', async () => {
      const response = await guarded()(new Request(`${base}/api/functions`, { headers: { 'x-user': 'crash' } }))
      expect(response.status).to.equal(500)
      expect(await response.text()).not.to.contain('directory')
    })
  })

  it('answers 503 once the platform is closed', async () => {
    const other = await openPlatform([])
    const handler = createHandler(other.platform)
    await other.close()
    await problem(await handler(new Request(`${base}/api/functions`)), 503, 'CLOSED')
  })

  it('rejects unknown options', () => {
    expect(() => createHandler(opened.platform, { bsaePath: '/x' } as object))
      .to.throw()
      .with.property('code', 'INVALID_OPTION' satisfies PlatformError['code'])
  })
})

/** A zip with one stored file (APPNOTE 6.3: local header, central directory, end record). */
async function zipOf(name: string, content: string): Promise<Uint8Array<ArrayBuffer>> {
  const { crc32 } = await import('node:zlib')
  const data = Buffer.from(content)
  const path = Buffer.from(name)
  const shared = Buffer.alloc(26)
  shared.writeUInt16LE(20, 0)
  shared.writeUInt32LE(crc32(data), 10)
  shared.writeUInt32LE(data.length, 14)
  shared.writeUInt32LE(data.length, 18)
  shared.writeUInt16LE(path.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, path, data])
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0', 'latin1'), shared, Buffer.alloc(14), path])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return new Uint8Array(Buffer.concat([local, central, end]))
}
