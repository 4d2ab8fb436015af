import { createAnalyzer } from '@cordon/analyzer'
import { expect } from 'chai'
import { options, rulesOf, upload } from './harness.ts'

const handler = (body: string) => `/** @function */ export default async (input: { a: string }, ctx: Context) => { ${body} }`

describe('type errors', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  after(() => analyzer.close())

  const analyze = (source: string | Record<string, string>, rules: Record<string, 'error' | 'warn' | 'off'> = {}) =>
    analyzer.analyze(upload(source), options({ rules }))

  it('are warnings, with the place and what to do', async () => {
    const { ok, diagnostics } = await analyze(handler('\nconst length: number = input.a\nreturn length'))
    expect(ok).to.equal(true)
    expect(diagnostics).to.have.length(1)
    expect(diagnostics[0]).to.include({ rule: 'types', severity: 'warn', file: 'index.ts', line: 2, column: 7 })
    expect(diagnostics[0]?.message).to.match(/^Type 'string' is not assignable to type 'number' \(TS2322\)\. Correct it; /)
    expect(diagnostics[0]?.frame).to.include('^^^^^^')
  })

  it('are what the host makes of them', async () => {
    const source = handler('return input.b')
    expect((await analyze(source, { types: 'error' })).ok).to.equal(false)
    expect((await analyze(source, { types: 'off' })).diagnostics).to.deep.equal([])
  })

  it('do not repeat that a type is not declared, unless nobody else says so', async () => {
    const source = '/** @function */ export default (input: { a: Missing }) => { const b: Absent = input.a; return typeof b }'
    expect(rulesOf(await analyze(source))).to.deep.equal(['schema-types', 'types'])
    expect(rulesOf(await analyze(source, { 'schema-types': 'off' }))).to.deep.equal(['types', 'types'])
  })

  it('know the web as far as a sandbox has it', async () => {
    const there = `const names = [AbortController, Blob, CompressionStream, DOMException, Event, File, FormData, Headers, MessageChannel, Request, Response,
      TextDecoder, TransformStream, URL, URLSearchParams]; fetch(new Request('https://a.example/'), { signal: AbortSignal.timeout(1) }).then((reply) => reply.json());
      crypto.subtle.digest('SHA-256', new Uint8Array(1)); structuredClone(names); new ReadableStream().pipeThrough(new TextDecoderStream()); import.meta.url;
      return typeof self + typeof navigator + setTimeout(() => undefined, performance.now())`
    const found = (await analyze(handler(there))).diagnostics.filter((one) => one.rule === 'types')
    expect(found).to.deep.equal([])
    expect(rulesOf(await analyze(handler('return location.href + OffscreenCanvas')))).to.deep.equal(['types', 'types'])
  })

  it('are found in every file of the upload, and in HTTP functions, but not in JavaScript that does not ask for it', async () => {
    const wrong = 'export const a: number = "a"'
    const web = `import { a } from './a.ts'\nimport b from './b.js'\n/** @function */ export default { fetch(request: Request) { return new Response(request.urll + a + b) } }`
    const { diagnostics } = await analyze({ 'index.ts': web, 'a.ts': wrong, 'b.js': 'export default 1 .nothing' })
    expect(diagnostics.map((one) => [one.rule, one.file])).to.deep.equal([
      ['types', 'a.ts'],
      ['types', 'index.ts'],
    ])
    const script = '/** @function */ export default () => (1).nothing'
    expect(rulesOf(await analyze({ 'index.js': script }))).to.deep.equal([])
    expect(rulesOf(await analyze({ 'index.js': `// @ts-check\n${script}` }))).to.deep.equal(['types'])
  })

  it('are none where the code is right, whatever of Node and the platform it uses', async () => {
    const sources = [
      `import { createHash, type Hash } from 'node:crypto'\nimport { EventEmitter } from 'events'\nimport path from 'path'\nclass Bus extends EventEmitter {}\nexport const config = { env: { PREFIX: '/' } }\n${handler(`
        const hash: Hash = createHash('sha256').update(input.a); const bytes = Buffer.from(input.a, 'hex')
        const timer: NodeJS.Timeout = setTimeout(() => undefined, 1); clearTimeout(timer); setImmediate(() => undefined)
        new Bus().emit('x', path.join(input.a, process.env.PREFIX ?? ''))
        const { rows } = await ctx.db.query<{ n: number }>('select 1 as n')
        const tagged = await ctx.db.sql\`select \${input.a}\`
        ctx.log.info('done', { bytes: bytes.readUInt8(0), rowCount: tagged.rowCount })
        const url = new URL(input.a); const copy = structuredClone({ a: 1 }); console.log(url.host, copy.a, btoa('a'), new TextEncoder().encode('a'))
        try { await ctx.functions.invoke('other', { a: 1 }) } catch (error) { console.error(error.message) }
        return { sum: rows[0].n + 1, hex: hash.digest('hex'), id: crypto.randomUUID(), first: [3, 1].toSorted()[0], ms: performance.now(), text: bytes.toString('base64') }`)}`,
      `import type { Context } from '@cordon/core'\n/** @function */ export default async function run(input: any, ctx: Context) { const all = []; for (const x of input) all.push(x); return { all, tenant: ctx.tenant, untyped: function (a, b) { return a + b } } }`,
      `const fs = require('util')\n/** @function */ module.exports = (input: string) => fs.inspect(input)`,
    ]
    for (const source of sources) expect((await analyze(source)).diagnostics, source).to.deep.equal([])
  })
})
