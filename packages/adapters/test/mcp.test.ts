import { createServer } from 'node:http'
import { createHandler, type Handler, type HandlerOptions } from '@cordon/adapters'
import { nodeAdapter } from '@cordon/adapters/node'
import type { InvocationRecord } from '@cordon/core'
import { expect } from 'chai'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { listening } from './support/raw-http.ts'

type Json = Record<string, unknown>
interface Tool {
  readonly name: string
  readonly description?: string
  readonly inputSchema: Json
  readonly outputSchema?: Json
}
interface Result {
  readonly tools?: readonly Tool[]
  readonly nextCursor?: string
  readonly isError?: boolean
  readonly content?: readonly { readonly type: string; readonly text: string }[]
  readonly structuredContent?: Json
  readonly _meta?: Json
}
interface Answer {
  readonly status: number
  readonly result?: Result
  readonly error?: { readonly code: number; readonly message: string }
}

describe('/mcp', () => {
  let opened: OpenPlatform
  let handle: Handler
  const isUser: HandlerOptions = { authenticate: (request) => (request.headers.has('x-user') ? { user: { id: 'ada' } } : null) }

  before(async () => {
    opened = await openPlatform(
      ['double', 'nothing', 'internal', 'members', 'web', 'everything', 'fails', 'slow', 'tree-size', 'shout', 'hostile-words'],
      {
        limits: { outputBytes: 3_000_000 },
      },
    )
    handle = createHandler(opened.platform, isUser)
  })
  after(() => opened.close())

  /** What a client sends that has been told the version. */
  async function send(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return handle(
      new Request('http://h/mcp', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-11-25',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    )
  }

  async function ask(method: string, params: Json = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await send({ jsonrpc: '2.0', id: 1, method, params }, headers)
    const text = await response.text()
    // Either of the two forms in which the protocol lets a server answer.
    const json = response.headers.get('content-type') === 'text/event-stream' ? (/^data: (\{.*)$/m.exec(text)?.[1] ?? '{}') : text
    return { status: response.status, ...(JSON.parse(json) as Json) }
  }

  async function call(name: string, args?: Json, headers: Record<string, string> = {}): Promise<Result> {
    const { result, error } = await ask('tools/call', { name, ...(args === undefined ? {} : { arguments: args }) }, headers)
    if (result === undefined) throw new Error(error?.message)
    return result
  }

  it('lists what the caller may call as tools, with descriptions and schemas', async () => {
    const { result } = await ask('tools/list')
    const tools = new Map((result?.tools ?? []).map((tool) => [tool.name, tool]))
    expect([...tools.keys()]).to.deep.equal(['double', 'everything', 'fails', 'hostile-words', 'nothing', 'shout', 'slow', 'tree-size'])
    expect(tools.get('shout')).to.deep.equal({
      name: 'shout',
      description: 'Says it louder.',
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: { input: { type: 'string' } },
        required: ['input'],
      },
      outputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: { output: { type: 'string' } },
        required: ['output'],
      },
    })
    expect(tools.get('tree-size')?.inputSchema).to.deep.include({ type: 'object', $ref: '#/$defs/Tree' })
    expect(tools.get('everything')?.outputSchema).to.have.property('type', 'object')
    expect(tools.get('double')).not.to.have.property('outputSchema.properties.output')
    const known = await ask('tools/list', {}, { 'x-user': 'ada' })
    expect(known.result?.tools?.map(({ name }) => name))
      .to.include('members')
      .and.not.to.include('internal')
  })

  it('calls a function and gives its output as text and as structured content', async () => {
    expect(await call('shout', { input: 'hello' })).to.deep.include({
      content: [{ type: 'text', text: 'HELLO' }],
      structuredContent: { output: 'HELLO' },
    })
    expect((await call('tree-size', { children: [{}, { children: [{}] }] })).structuredContent).to.deep.equal({ output: 4 })
    expect((await call('nothing')).content).to.deep.equal([])
    const at = '2026-01-02T03:04:05.000Z'
    const input = {
      ...{ name: 'n', nickname: null, size: 3, tags: [], pair: ['a', 1], scores: {}, shape: { kind: 'circle', radius: 1 }, level: 'low' },
      ...{ email: 'a@b.cd', at, data: 'AAE=', tree: { value: 'x' }, where: null, from: { lat: 1, lon: 2 }, anything: [], either: 1 },
    }
    const everything = await call('everything', input)
    expect(everything.structuredContent).to.deep.include({ at, data: 'AAE=', list: [{ at }] })
    expect(JSON.parse(everything.content?.[0]?.text ?? '')).to.deep.equal(everything.structuredContent)
  })

  it('speaks the version of 2026, too, where a request says everything itself', async () => {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'shout' }
    const { result, error } = await ask('tools/call', { name: 'shout', arguments: { input: 'hi' }, _meta: meta }, headers)
    expect(error).to.equal(undefined)
    expect(result?.structuredContent).to.deep.equal({ output: 'HI' })
  })

  it('tells failures in the words of the HTTP API', async () => {
    for (const [name, input] of [
      ['fails', {}],
      ['tree-size', { children: 1 }],
    ] as const) {
      const body = JSON.stringify(input)
      const problem = (await (await handle(new Request(`http://h/fn/${name}`, { method: 'POST', body }))).json()) as Json
      const result = await call(name, input)
      expect(result).to.deep.include({ isError: true, content: [{ type: 'text', text: problem['detail'] }] })
      const { code, status, retryable, issues } = problem
      expect(result._meta?.['cordon/problem']).to.deep.include({ code, status, retryable, ...(issues === undefined ? {} : { issues }) })
      expect(JSON.stringify(result)).not.to.include('stack')
    }
    expect((await call('shout', { input: 1 }))._meta?.['cordon/problem']).to.include({ code: 'INVALID_INPUT' })
  })

  it('knows no tool that the caller may not call, whatever it is', async () => {
    for (const name of ['absent', 'internal', 'members', '__proto__', 'constructor', 'x'.repeat(100_000)]) {
      const { error } = await ask('tools/call', { name })
      expect(error?.code, name.slice(0, 20)).to.equal(-32602)
      expect(error?.message).to.equal(`Cannot find function "${name.slice(0, 63)}": there is no such tool`)
    }
    expect((await call('members', {}, { 'x-user': 'ada' })).content?.[0]?.text).to.include('ada')
  })

  it('does not tell an HTTP function as a tool', async () => {
    const result = await call('web')
    expect(result._meta?.['cordon/problem']).to.include({ code: 'INVALID_INPUT' })
  })

  it('gives pages of a long list, from which no change in between takes anything', async () => {
    const names = Array.from({ length: 8 }, (_, number) => `big-${number}`)
    const source = '/** One of many.\n * @function */\nexport default async () => 1'
    const input = { type: 'object', properties: { text: { enum: ['x'.repeat(90_000)] } } }
    for (const name of names) await opened.platform.deploy({ name, source, config: { input } })
    try {
      const first = await ask('tools/list')
      expect(first.result?.tools).to.have.length(6)
      await opened.platform.functions.remove(first.result?.nextCursor ?? '')
      const second = await ask('tools/list', { cursor: first.result?.nextCursor ?? '' })
      const seen = [...(first.result?.tools ?? []), ...(second.result?.tools ?? [])].map(({ name }) => name)
      expect(seen).to.include.members(names)
      expect(new Set(seen).size).to.equal(seen.length)
      expect(second.result).not.to.have.property('nextCursor')
    } finally {
      for (const { name } of await opened.platform.functions.list()) if (name.startsWith('big-')) await opened.platform.functions.remove(name)
    }
  })

  it('refuses what is not one message of a sensible size', async () => {
    const listing = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    const wrong: [unknown, number][] = [
      ['{', 400],
      ['', 400],
      ['null', 400],
      ['"tools/list"', 400],
      [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
      [[listing, listing], 400],
      [{ jsonrpc: '1.0', id: 1, method: 'tools/list' }, 400],
      [{ jsonrpc: '2.0', id: {}, method: 'tools/list' }, 400],
      [{ ...listing, params: { cursor: 'x'.repeat(2_000_000) } }, 413],
    ]
    for (const [body, status] of wrong) expect((await send(body)).status, JSON.stringify(body).slice(0, 60)).to.equal(status)
    expect((await send(listing, { 'content-type': 'text/plain' })).status).to.equal(415)
    expect((await ask('tools/call', { name: 1 })).error?.code).to.be.lessThan(-32000)
    expect((await ask('resources/list')).error?.code).to.equal(-32601)
    expect((await ask('subscriptions/listen', { notifications: {} })).error?.code).to.equal(-32601)
    expect((await ask('__proto__')).error?.code).to.equal(-32601)
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const response = await handle(new Request('http://h/mcp', { method }))
      expect([response.status, response.headers.get('allow')]).to.deep.equal([405, 'POST, OPTIONS'])
    }
  })

  it('answers no page of another site', async () => {
    const body = { jsonrpc: '2.0', id: 1, method: 'ping' }
    for (const headers of [{ origin: 'http://evil.test' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }])
      expect((await send(body, headers)).status).to.equal(403)
    expect((await send(body, { origin: 'https://h' })).status).to.equal(200)
  })

  it('cancels the call when the connection is closed', async () => {
    const host = await listening(createServer(nodeAdapter(opened.platform)))
    try {
      const ended = new Promise<InvocationRecord>((resolve) => {
        const stop = opened.platform.on('invocation', (record) => {
          stop()
          resolve(record)
        })
      })
      const controller = new AbortController()
      const sent = fetch(`${host.url}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow' } }),
        signal: controller.signal,
      })
        .then((response) => response.text())
        .catch(() => 'closed')
      while (opened.platform.stats().running === 0) await new Promise((resolve) => setImmediate(resolve))
      controller.abort()
      expect((await ended).outcome).to.equal('CANCELLED')
      expect(await sent).to.equal('closed')
    } finally {
      await host.stop()
    }
  })
})
