import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { nodeAdapter } from '@cordon/adapters/node'
import { FunctionRegion, FunctionsClient, FunctionsFetchError, FunctionsHttpError, FunctionsRelayError } from '@supabase/functions-js'
import { expect } from 'chai'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { listening } from './support/raw-http.ts'

/** What docs/reference/supabase-functions.md says that works: the words of its table, and how each is seen to. */
interface Case {
  readonly what: string
  run(): Promise<void>
}

/** By its name: tests of other files run in this process, and a server of Hono gives the global `Response` another class. */
function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]'
}

describe('@supabase/functions-js', () => {
  let opened: OpenPlatform
  let host: Awaited<ReturnType<typeof listening>>
  let functions: FunctionsClient

  before(async () => {
    opened = await openPlatform(['double', 'nothing', 'fails', 'slow', 'members', 'internal', 'mirror', 'search', 'shout'], {
      http: { cors: { origins: ['https://app.example.com'] }, rateLimit: { perFunction: 10_000 } },
      authenticate: (request) => (request.headers.get('authorization') === 'Bearer session' ? { user: { id: 'ada' } } : null),
    })
    host = await listening(createServer(nodeAdapter(opened.platform)))
    functions = new FunctionsClient(`${host.url}/functions/v1`, { headers: { apikey: 'publishable' } })
  })
  after(async () => {
    await host.stop()
    await opened.close()
  })

  type Options = Parameters<FunctionsClient['invoke']>[1]

  async function dataOf(name: string, options?: Options): Promise<unknown> {
    const { data, error } = await functions.invoke<unknown>(name, options)
    expect(error, name).to.equal(null)
    return data
  }

  async function errorOf(name: string, options?: Options): Promise<{ error: unknown; response: Response }> {
    const { data, error } = await functions.invoke<unknown>(name, options)
    expect(data, name).to.equal(null)
    const context: unknown = error instanceof Error && 'context' in error ? error.context : undefined
    return { error, response: isResponse(context) ? context : new Response() }
  }

  /** What the mirror saw of a request. */
  async function seen(name: string, options?: Options): Promise<Record<string, unknown>> {
    return (await dataOf(name, options)) as Record<string, unknown>
  }

  const cases: readonly Case[] = [
    {
      what: 'JSON function: an object as body, an object as `data`',
      run: async () => expect(await dataOf('double', { body: { n: 4 } })).to.include({ doubled: 8 }) && undefined,
    },
    {
      what: 'JSON function: `PUT`, `PATCH`, `DELETE` with a body, `GET` with a query',
      async run() {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const)
          expect(await dataOf('double/some/path', { method, body: { n: 2 } }))
            .to.deep.include({ doubled: 4 })
            .and.have.nested.property('request.method', method)
        expect(await dataOf('double?n=3', { method: 'GET' })).to.include({ doubled: 6 })
        expect(await dataOf('search?text=a&page=2', { method: 'GET', region: FunctionRegion.UsEast1 })).to.deep.equal({
          input: { text: 'a', page: 2 },
        })
      },
    },
    {
      what: 'JSON function without output: `data` is an empty string (204)',
      run: async () => expect(await dataOf('nothing')).to.equal('') && undefined,
    },
    {
      what: 'JSON text as a string body',
      run: async () => expect(await dataOf('shout', { body: '"psst"' })).to.equal('PSST') && undefined,
    },
    {
      what: 'HTTP function: every method, path and query after the name',
      async run() {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'] as const)
          expect(await seen('mirror/a/b%20c?x=1', { method })).to.include({ method, path: '/a/b%20c', query: '?x=1' })
        expect(await seen('mirror')).to.include({ path: '/', body: '', original: `${host.url}/functions/v1/mirror` })
      },
    },
    {
      what: 'bodies: object, string, `Blob`, `File`, `ArrayBuffer`, `FormData`, each with its content type',
      async run() {
        expect(await seen('mirror', { body: { a: 1 } }))
          .to.deep.include({ body: '{"a":1}' })
          .and.have.nested.property('headers.content-type', 'application/json')
        expect(await seen('mirror', { body: 'words' }))
          .to.include({ body: 'words' })
          .and.have.nested.property('headers.content-type', 'text/plain')
        const svg = new Blob(['<svg/>'], { type: 'image/svg+xml' })
        expect(await seen('mirror', { body: svg }))
          .to.include({ body: '<svg/>' })
          .and.have.nested.property('headers.content-type', 'image/svg+xml')
        expect(await dataOf('mirror/digest', { body: new ArrayBuffer(1000) })).to.include({ bytes: 1000, type: 'application/octet-stream' })
        const form = new FormData()
        form.set('name', 'Ada')
        form.set('file', new File([new Uint8Array([0, 255])], 'two.bin'))
        const back = await dataOf('mirror/echo', { body: form })
        if (!(back instanceof FormData)) throw new Error('expected a form')
        expect(back.get('name')).to.equal('Ada')
        const file = back.get('file')
        expect(file instanceof File && new Uint8Array(await file.arrayBuffer())).to.deep.equal(new Uint8Array([0, 255]))
      },
    },
    {
      what: 'answers: JSON, text, bytes (`Blob`), forms (`FormData`), by content type',
      async run() {
        expect(await dataOf('mirror/echo', { body: [1, { two: null }] as never })).to.deep.equal([1, { two: null }])
        expect(await dataOf('mirror/echo', { body: 'ä' })).to.equal('ä')
        const bytes = await dataOf('mirror/echo', { body: new Uint8Array([0, 200, 255]).buffer })
        expect(bytes instanceof Blob && new Uint8Array(await bytes.arrayBuffer())).to.deep.equal(new Uint8Array([0, 200, 255]))
        expect(await dataOf('mirror/echo', { body: 'a=1', headers: { 'Content-Type': 'x/other' } })).to.equal('a=1')
      },
    },
    {
      what: 'server-sent events: `data` is the `Response`, whose body streams',
      async run() {
        const events = await dataOf('mirror/events')
        if (!isResponse(events) || events.body === null) throw new Error('expected a stream')
        expect(await text(events.body)).to.equal('event: tick\ndata: 1\n\nevent: tick\ndata: 2\n\nevent: tick\ndata: 3\n\n')
      },
    },
    {
      what: '`headers`, `apikey`, `setAuth`, `region`',
      async run() {
        const { headers, query } = await seen('mirror', { headers: { 'x-mine': 'yes' }, region: FunctionRegion.EuWest1 })
        expect(headers).to.include({ 'x-mine': 'yes', apikey: 'publishable', 'x-region': 'eu-west-1' })
        expect(query).to.equal('?forceFunctionRegion=eu-west-1')
        const signedIn = new FunctionsClient(`${host.url}/functions/v1`)
        signedIn.setAuth('session')
        expect((await signedIn.invoke('members', { body: {} })).data).to.deep.equal({ user: { id: 'ada' }, authorization: 'Bearer session' })
      },
    },
    {
      what: '`FunctionsHttpError` with the response as `context`: what a function answers beyond 2xx, and its failures',
      async run() {
        const teapot = await errorOf('mirror/status/418')
        expect(teapot.error).to.be.instanceOf(FunctionsHttpError)
        expect([teapot.response.status, await teapot.response.text()]).to.deep.equal([418, 'status 418'])
        for (const [name, status, code] of [
          ['fails', 502, 'FUNCTION_ERROR'],
          ['slow', 504, 'TIMEOUT'],
          ['absent', 404, 'FUNCTION_NOT_FOUND'],
          ['members', 401, 'UNAUTHENTICATED'],
          ['internal', 403, 'FORBIDDEN'],
          ['mirror/throws', 502, 'FUNCTION_ERROR'],
        ] as const) {
          const { error, response } = await errorOf(name)
          expect(error, name).to.be.instanceOf(FunctionsHttpError)
          expect(await response.json(), name).to.include({ status, code })
        }
        const form = new FormData()
        for (const body of ['no json', form, new Blob(['{'])])
          expect(await (await errorOf('double', { body })).response.json()).to.include({ status: 400, code: 'INVALID_INPUT' })
        const response = await fetch(`${host.url}/functions/v1/double`, { method: 'PROPFIND' })
        expect([response.status, response.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'])
      },
    },
    {
      what: '`FunctionsFetchError`: `timeout`, `signal`, a host that cannot be reached',
      async run() {
        expect((await errorOf('mirror/never', { timeout: 50 })).error).to.be.instanceOf(FunctionsFetchError)
        const controller = new AbortController()
        const pending = errorOf('mirror/never', { signal: controller.signal, timeout: 60_000 })
        controller.abort()
        expect((await pending).error).to.be.instanceOf(FunctionsFetchError)
        const nobody = new FunctionsClient('http://127.0.0.1:1/functions/v1')
        expect((await nobody.invoke('double')).error).to.be.instanceOf(FunctionsFetchError)
      },
    },
    {
      what: 'calls from a page of an origin on `http.cors.origins`',
      async run() {
        const asks = 'authorization, x-client-info, apikey, content-type, x-region'
        const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'POST', 'access-control-request-headers': asks }
        const question = await fetch(`${host.url}/functions/v1/double`, { method: 'OPTIONS', headers })
        expect([question.status, question.headers.get('access-control-allow-headers')]).to.deep.equal([204, asks])
        expect(question.headers.get('access-control-allow-origin')).to.equal('https://app.example.com')
        const { response } = await errorOf('absent', { headers: { origin: 'https://app.example.com' } })
        expect(response.headers.get('access-control-expose-headers')).to.contain('x-relay-error')
      },
    },
    {
      // The last one: it ends the platform.
      what: '`FunctionsRelayError`: the platform itself failed (5xx, `origin: "platform"`)',
      async run() {
        await opened.platform.close()
        const { error, response } = await errorOf('double', { body: { n: 1 } })
        expect(error).to.be.instanceOf(FunctionsRelayError)
        expect(await response.json()).to.include({ status: 503, code: 'CLOSED' })
        expect((await fetch(`${host.url}/fn/double?n=1`)).headers.has('x-relay-error')).to.equal(false)
      },
    },
  ]

  it('has all that works in the documentation, and nothing else', async () => {
    const page = await readFile(new URL('../../../docs/reference/supabase-functions.md', import.meta.url), 'utf8')
    const rows = Array.from(page.matchAll(/^\| (.*) \| yes \|$/gm), ([, what]) => what)
    expect(rows).to.deep.equal(cases.map(({ what }) => what))
  })

  for (const { what, run } of cases) it(what, run)
})
