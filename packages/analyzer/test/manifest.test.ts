import { createAnalyzer } from '@cordon/analyzer'
import { expect } from 'chai'
import type { FunctionConfig, Manifest } from '@cordon/contracts'
import { options, rulesOf, upload } from './harness.ts'

describe('the manifest', () => {
  const analyzer = createAnalyzer({ processes: 1, timeLimitMs: 60_000 })
  after(() => analyzer.close())

  async function analyse(source: string | Record<string, string>, config?: FunctionConfig) {
    return analyzer.analyze({ ...upload(source), config }, options())
  }
  function body(code: string, before = ''): string {
    return `${before}\n/** @function */\nexport default async function handler(input: any, ctx: any) {\n${code}\n}`
  }

  const empty = { database: false, net: [], secrets: [], env: [], functions: [] }
  const examples: [what: string, code: string, found: Partial<Manifest>][] = [
    ['nothing in a plain function', 'return input.name', {}],
    [
      'hosts of literal URLs',
      `await fetch('https://API.example/a'); new WebSocket('wss://live.example:8443'); new EventSource('http://e.example')`,
      { net: ['api.example', 'e.example', 'live.example:8443'] },
    ],
    [
      'hosts of URLs that only end in something computed',
      "await fetch(`https://a.example/users/${input.id}`); await fetch('https://b.example' + input.path)",
      { net: ['a.example', 'b.example'] },
    ],
    [
      'hosts of constants',
      "const base = 'https://a.example/v1'; await fetch(`${base}/users/${input.id}`); await fetch(base + '/' + input.id)",
      { net: ['a.example'] },
    ],
    [
      'hosts of URL and Request objects',
      `const url = new URL(input.path, 'https://a.example'); await fetch(url); await fetch(new Request('https://b.example')); await fetch(new URL('/x', 'https://c.example').href)`,
      { net: ['a.example', 'b.example', 'c.example'] },
    ],
    [
      'hosts of fetch by another name',
      `const get = fetch; await get('https://a.example'); const { fetch: other } = globalThis; await other('https://b.example')`,
      { net: ['a.example', 'b.example'] },
    ],
    [
      'no host in a URL whose host is computed',
      "await fetch(`https://${input.region}.example/`); await fetch('https://api.' + input.region + '.example'); await fetch(`http://localhost:${input.port}`)",
      {},
    ],
    ['no host in a base that only helps to take a URL apart', `return new URL(input.url, 'http://localhost').pathname`, {}],
    ['hosts behind credentials, not the credentials', `await fetch('https://good.example@evil.example/')`, { net: ['evil.example'] }],
    [
      'secrets by any spelling of a name',
      `const { secrets: { A, ['B']: b } } = ctx; const s = ctx.secrets; return [A, b, s.C, ctx['sec' + 'rets'].D, ctx.secrets.get('E'), Reflect.get(ctx.secrets, 'F'), ctx.secrets.G.length]`,
      { secrets: ['A', 'B', 'C', 'D', 'E', 'F', 'G'] },
    ],
    [
      'no secret in what the caller sends, in own objects and in names that cannot be',
      `const own = { secrets: { A: 1 } }; return [input.secrets.B, own.secrets.A, ctx.secrets['a b'], ctx.secrets[input.name]]`,
      {},
    ],
    [
      'environment values',
      `const { B } = process.env; return [process.env.A, B, ctx.env.C, process.env.NODE_ENV, process.env[input.name]]`,
      { env: ['A', 'B', 'C'] },
    ],
    [
      'functions that are called',
      `const { invoke } = ctx.functions; return [await ctx.functions.invoke('mail'), await invoke('pay'.concat('-out')), await ctx.functions.invoke(input.name)]`,
      { functions: ['mail', 'pay-out'] },
    ],
    ['the database behind a folded key', `return ctx['d' + 'b'].query('select 1')`, { database: true }],
    ['the database behind Reflect', `return Reflect.get(ctx, 'db').query('select 1')`, { database: true }],
    ['the database behind a computed pattern', `const { ['d' + 'b']: d } = ctx; return d.query('select 1')`, { database: true }],
    ['the database behind another name of the context', `const other = ctx; return other.db.query('select 1')`, { database: true }],
    ['no database behind a key that is really computed', `return ctx[input.key].query('select 1')`, {}],
  ]
  for (const [what, code, found] of examples) {
    it(`finds ${what}`, async () => {
      const { ok, manifest, diagnostics } = await analyse(body(code))
      expect(ok, JSON.stringify(diagnostics)).to.equal(true)
      const { database, net, secrets, env, functions } = manifest
      expect({ database, net, secrets, env, functions }).to.deep.equal({ ...empty, ...found })
    })
  }

  it('finds what an HTTP function and its helpers in other files use', async () => {
    const { manifest } = await analyse({
      'index.ts': `import { Mailer } from './mailer.ts'\n/** @function */\nexport default { fetch: async (request: Request, env: any, ctx: any) => new Response(env.MODE + (await new Mailer(ctx).send())) }`,
      'mailer.ts': `export class Mailer {\n constructor(readonly ctx: any) {}\n send() { return this.ctx.functions.invoke('mail', this.ctx.secrets.KEY) } }`,
    })
    expect(manifest).to.deep.include({ env: ['MODE'], functions: ['mail'], secrets: ['KEY'], handler: 'http' })
  })

  it('adds what config names, spelt in one way and sorted, and what the deployment says instead', async () => {
    const source = body(
      `return fetch('https://b.example')`,
      `export const config = { net: ['Z.example:443', 'a.example'], secrets: ['B', 'A'], functions: ['f'], env: { MODE: 'x' } }`,
    )
    expect((await analyse(source)).manifest).to.deep.include({
      net: ['a.example', 'b.example', 'z.example'],
      secrets: ['A', 'B'],
      functions: ['f'],
      env: ['MODE'],
    })
    expect((await analyse(source, { net: [], secrets: ['C'] })).manifest).to.deep.include({ net: ['b.example'], secrets: ['C'] })
  })

  it('is the same for the same files in another order', async () => {
    const a = `export const a = (ctx: any) => fetch('https://z.example/' + ctx.secrets.Z)`
    const b = `export const b = (ctx: any) => fetch('https://a.example/' + ctx.secrets.Z)`
    const index = body(`return a(ctx) ?? b(ctx)`, `import { a } from './a.ts'\nimport { b } from './b.ts'`)
    const [first, second] = [await analyse({ 'index.ts': index, 'a.ts': a, 'b.ts': b }), await analyse({ 'b.ts': b, 'a.ts': a, 'index.ts': index })]
    expect(JSON.stringify(second.manifest)).to.equal(JSON.stringify(first.manifest))
    expect(second.uses).to.deep.equal(first.uses)
  })

  it('says where each capability was seen first', async () => {
    const source = body(
      `await fetch('https://a.example')\nawait ctx.db.query(ctx.secrets.KEY)`,
      `export const config = { net: ['b.example'], secrets: ['KEY'] }`,
    )
    const { uses } = await analyse(source)
    expect(uses.map(({ kind, name, file, line }) => [kind, name, file, line])).to.deep.equal([
      ['database', 'ctx.db', 'index.ts', 5],
      ['net', 'a.example', 'index.ts', 4],
      ['net', 'b.example', 'index.ts', 1],
      ['secret', 'KEY', 'index.ts', 5],
    ])
    expect(uses[1]?.frame).to.include('> 4 | await fetch')
  })

  it('grants hosts that secrets are sent to, and says where, without granting the secrets', async () => {
    const config = `export const config = {\nsecretHeaders: {\n'A.example:443': {\nAuthorization: 'Bearer {KEY}' }, '*.b.example': {} } }`
    const { manifest, uses, diagnostics } = await analyse(body('return 1', config))
    expect(diagnostics).to.deep.equal([])
    expect([manifest.net, manifest.secrets]).to.deep.equal([['*.b.example', 'a.example'], []])
    expect(manifest.config.secretHeaders).to.deep.equal({ 'a.example': { authorization: 'Bearer {KEY}' }, '*.b.example': {} })
    expect(uses.map(({ kind, name, sentTo, line }) => [kind, name, sentTo, line])).to.deep.equal([
      ['net', '*.b.example', undefined, 4],
      ['net', 'a.example', undefined, 3],
      ['secret', 'KEY', 'a.example', 4],
    ])
    const [wrong] = (await analyse(body('return 1', config.replace('{KEY}', 'sk_value')))).diagnostics
    expect(wrong).to.include({ rule: 'config-literal', severity: 'error', line: 2 })
    expect(wrong?.message).to.contain('config.secretHeaders["a.example"].Authorization').and.contain('"Bearer {API_KEY}"')
  })

  it('refuses names in config that can be none, whoever gives them', async () => {
    for (const net of ['https://a.example', 'a b', '', 'a.*.example', '\u202ea.example', 'x'.repeat(100_000)].filter(Boolean)) {
      const analysis = await analyse(body('return 1'), { net: [net] })
      expect(rulesOf(analysis, 'error'), net.slice(0, 20)).to.deep.equal(['config-names'])
      expect(analysis.diagnostics[0]?.message).to.have.length.below(400)
      expect(analysis.manifest.net).to.deep.equal([])
    }
    expect(
      rulesOf(await analyse(body('return 1', `export const config = { secrets: ['__proto__', 'a/b'], functions: ['../x'] }`)), 'error'),
    ).to.deep.equal(['config-names', 'config-names'])
  })

  it('refuses more names than anybody can approve, and stays small', async () => {
    const hosts = Array.from({ length: 100_000 }, (_, number) => `h${number}.example`)
    const analysis = await analyse(body('return 1'), { net: hosts })
    expect(rulesOf(analysis, 'error')).to.deep.equal(['manifest-limit'])
    expect(analysis.manifest.net).to.have.length(1000)
    const found = await analyse(
      body(
        hosts
          .slice(0, 1001)
          .map((host) => `fetch('https://${host}')`)
          .join('\n'),
      ),
    )
    expect(rulesOf(found, 'error')).to.deep.equal(['manifest-limit'])
    expect(found.uses).to.have.length.at.most(100)
  })

  it('follows names that are defined by each other, and long chains, to an end', async () => {
    const doubling = Array.from({ length: 300 }, (_, n) => `const a${n + 1} = input.x ? a${n} : a${n}`).join('\n')
    const code = `var p = q; var q = p; const a0 = 'https://a.example'\n${doubling}\nreturn [fetch(a300), p.secrets.A, ctx${'.a'.repeat(20)}.secrets.B]`
    const { manifest, ok } = await analyse(body(code))
    expect(ok).to.equal(true)
    expect(manifest.secrets).to.deep.equal(['B'])
  })
})
