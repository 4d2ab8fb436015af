import { join } from 'node:path'
import { expect } from 'chai'
import { createPlatform, type ApprovalRequest, type Diagnostic, type Platform, type PlatformEvents, type PlatformOptions } from '@cordon/core'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

describe('capabilities and policy', () => {
  let path: string
  let remove: () => Promise<void>
  let platform: Platform
  let approve: ((request: ApprovalRequest) => unknown) | undefined
  const asked: string[] = []
  const logger = createNotingLogger()
  const allow = {
    net: ['api.example.com', '*.good.example'],
    secrets: ['STRIPE_*'],
    functions: [],
    packages: [],
    limits: { timeoutMs: 9000 },
    approveMs: 200,
    approve: (request: ApprovalRequest) => {
      asked.push(
        `${request.tenant} ${request.function} ${request.capability.kind} ${request.capability.name} ${request.previous?.net.join() ?? 'new'}`,
      )
      return (approve === undefined ? true : approve(request)) as boolean
    },
    tenants: { other: { net: [] }, default: { packages: ['ok'] } },
  } satisfies PlatformOptions['allow']

  before(async () => {
    const scratch = await createScratch()
    path = scratch.path
    remove = scratch.remove
    platform = await createPlatform({ dataDir: join(path, 'data'), logger, allow })
  })
  after(async () => {
    await platform.close()
    await remove()
  })
  afterEach(async () => {
    approve = undefined
    asked.length = 0
    for (const { name } of await platform.functions.list()) await platform.functions.remove(name)
  })

  async function refusals(name: string, source: string, config: object = {}): Promise<readonly Diagnostic[]> {
    const error = await rejection(platform.deploy({ name, source, config }), 'DEPLOYMENT_REJECTED')
    return (error.details['diagnostics'] as Diagnostic[]).filter(({ rule }) => rule === 'policy')
  }

  it('refuses what the lists do not let through, each with its place and a remedy, and leaves what is live', async () => {
    await platform.deploy({ name: 'a', source: handler('return 1') })
    const source = handler(
      `await fetch('https://bad.example')\nawait fetch('https://a.good.example')\nreturn [ctx.secrets.STRIPE_KEY, ctx.secrets.OTHER, ctx.functions.invoke('b')]`,
    )
    const found = await refusals('a', source)
    expect(found.map(({ message }) => /"([^"]+)" is not allowed here.*(allow\.\w+)/.exec(message)?.slice(1))).to.deep.equal([
      ['b', 'allow.functions'],
      ['bad.example', 'allow.net'],
      ['OTHER', 'allow.secrets'],
    ])
    expect(found.every(({ file, line, frame }) => file === 'index.ts' && line > 0 && frame.includes('^'))).to.equal(true)
    expect((await platform.invoke('a')).output).to.equal(1)
    expect(asked).to.deep.equal([])
  })

  it('refuses wildcards that are wider than those of the lists, ports and look-alikes', async () => {
    const hosts = [
      '*',
      '*.example.com',
      'good.example',
      'evilgood.example',
      'api.example.com:8443',
      'api.example.com.evil.example',
      '127.0.0.1',
      '[::1]',
    ]
    const found = await refusals('a', handler('return 1'), { net: [...hosts, '*.b.good.example', 'API.EXAMPLE.COM.'] })
    expect(found).to.have.length(hosts.length)
  })

  it('refuses packages by name, in the rules of the tenant, and shows hostile names harmlessly', async () => {
    const files = (name: string) => ({
      'index.ts': `import { x } from ${JSON.stringify(name)}\n${handler('return x')}`,
      [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', main: 'index.js' }),
      [`node_modules/${name}/index.js`]: 'export const x = 1',
    })
    await platform.deploy({ name: 'a', files: files('ok') })
    expect(asked).to.deep.equal(['default a package ok new'])
    const error = await rejection(platform.deploy({ name: 'a', files: files('evil') }), 'DEPLOYMENT_REJECTED')
    expect(error.message).to.match(/^Cannot deploy "a": index\.ts:1:\d+: The package "evil" is not allowed here/)
  })

  it('asks approve about what is new only, with the manifest that was live, and says what changed', async () => {
    const events: PlatformEvents['deployment'][] = []
    const off = platform.on('deployment', (event) => events.push(event))
    const one = handler(`return fetch('https://api.example.com')`)
    const two = handler(`await fetch('https://api.example.com'); await fetch('https://b.good.example'); return ctx.db.query('select 1')`)
    const first = await platform.deploy({ name: 'a', source: one })
    const second = await platform.deploy({ name: 'a', source: two })
    expect(asked).to.deep.equal([
      'default a net api.example.com new',
      'default a database ctx.db api.example.com',
      'default a net b.good.example api.example.com',
    ])
    const added = [
      { kind: 'database', name: 'ctx.db' },
      { kind: 'net', name: 'b.good.example' },
    ]
    expect(second.capabilities).to.deep.equal({ added, removed: [] })
    expect((await platform.deploy({ name: 'a', source: two })).capabilities).to.deep.equal({ added: [], removed: [] })
    await platform.functions.rollback('a')
    expect(asked, 'a rollback was approved when it was deployed').to.have.length(3)
    await platform.functions.remove('a')
    off()
    const net = { kind: 'net', name: 'api.example.com' }
    expect(events.map(({ kind, capabilities }) => [kind, capabilities])).to.deep.equal([
      ['deploy', { added: [net], removed: [] }],
      ['deploy', { added, removed: [] }],
      ['rollback', { added: [], removed: added }],
      ['remove', { added: [], removed: [net] }],
    ])
    expect(first.manifest.net).to.deep.equal(['api.example.com'])
  })

  it('asks again for what was given up, and keeps the live version when approve says no', async () => {
    const query = handler(`return (await ctx.db.query('select 1 as n')).rows[0].n`)
    await platform.deploy({ name: 'a', source: query })
    await platform.deploy({ name: 'a', source: handler('return 2') })
    approve = () => false
    const found = await refusals('a', query)
    expect(found.map(({ message }) => message)).to.have.length(1)
    expect(found[0]?.message).to.match(/^The database was not approved\./)
    expect((await platform.invoke('a')).output).to.equal(2)
  })

  const answers: [what: string, approve: () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('password of the policy server')
      },
    ],
    [
      'throws true',
      () => {
        throw true
      },
    ],
    ['rejects', () => Promise.reject(new Error('password of the policy server'))],
    ['never answers', () => new Promise(() => undefined)],
    ['answers with a text', () => 'yes'],
    ['answers with 1', () => 1],
    ['answers with nothing', () => undefined],
    ['answers with an object that only looks like a promise', () => new Proxy({}, { get: () => expect.fail('no promise') })],
    ['answers with a promise of a text', async () => 'true'],
  ]
  for (const [what, answer] of answers) {
    it(`refuses when approve ${what}, and tells the host, not the author, why`, async () => {
      const warnings: PlatformEvents['warning'][] = []
      const off = platform.on('warning', (warning) => warnings.push(warning))
      approve = answer
      const found = await refusals('a', handler(`return ctx.db.query('select 1')`))
      off()
      expect(found.map(({ message }) => message).join())
        .to.match(/^The database could not be approved/)
        .and.not.include('password')
      expect(warnings.map(({ message }) => message).join()).to.match(/^Cannot use allow\.approve for "a": it/)
      expect(await platform.functions.list()).to.deep.equal([])
    })
  }

  it('is not changed by what approve and callers do to the manifests they see', async () => {
    approve = ({ previous, capability }) => {
      expect(() => Object.assign(capability, { name: 'x' })).to.throw(TypeError)
      if (previous !== undefined) expect(() => (previous.net as string[]).push('evil.example')).to.throw(TypeError)
      return true
    }
    await platform.deploy({ name: 'a', source: handler(`return fetch('https://api.example.com')`) })
    const { manifest } = await platform.functions.get('a')
    expect(() => Object.assign(manifest, { database: true })).to.throw(TypeError)
    expect(() => Object.assign(manifest.config, { timeoutMs: 1 })).to.throw(TypeError)
    await platform.deploy({ name: 'a', source: handler(`return ctx.db.query('select 1')`) })
  })

  it('lowers memory to the limit of the host with a warning, and refuses time above allow.limits', async () => {
    const { diagnostics } = await platform.deploy({
      name: 'a',
      source: handler('return process.env.FUNCTION_MAX_MEMORY_MB'),
      config: { memoryMb: 512, timeoutMs: 8000 },
    })
    expect(diagnostics.map(({ rule, severity, message }) => [rule, severity, message.split(',', 1)[0]])).to.deep.equal([
      ['policy', 'warn', 'config.memoryMb is 512'],
    ])
    expect((await platform.invoke('a')).output).to.equal('128')
    await platform.deploy({ name: 'a', source: handler('return process.env.FUNCTION_TIMEOUT_MS'), config: { timeoutMs: 8000 } })
    expect((await platform.invoke('a')).output).to.equal('8000')
    expect((await refusals('a', handler('return 1'), { timeoutMs: 9001 })).map(({ message }) => message)).to.deep.equal([
      'config.timeoutMs is 9001, and at most 9000 is allowed here. Lower it, or ask whoever runs the platform to raise allow.limits.timeoutMs.',
    ])
  })

  it('says the same in analyze, without asking approve', async () => {
    const { ok, diagnostics } = await platform.analyze({
      name: 'a',
      source: handler(`await fetch('https://bad.example'); return ctx.db.query('select 1')`),
    })
    expect(ok).to.equal(false)
    expect(diagnostics.filter(({ rule }) => rule === 'policy')).to.have.length(1)
    expect(asked).to.deep.equal([])
  })

  it('refuses what is new and not in `approved`, says what it is, and lets through what is', async () => {
    const one = handler(`return fetch('https://api.example.com')`)
    const two = handler(`await fetch('https://api.example.com'); return [ctx.secrets.STRIPE_KEY, ctx.db]`)
    const first = await rejection(platform.deploy({ name: 'a', source: one, approved: [] }), 'DEPLOYMENT_REJECTED')
    expect(first.details['capabilities']).to.deep.equal({ added: [{ kind: 'net', name: 'api.example.com' }], removed: [] })
    expect(asked, 'refused before anybody is asked').to.deep.equal([])
    await platform.deploy({ name: 'a', source: one, approved: [{ kind: 'net', name: 'api.example.com' }] })
    const more = await rejection(platform.deploy({ name: 'a', source: two, approved: [{ kind: 'database', name: 'ctx.db' }] }), 'DEPLOYMENT_REJECTED')
    const found = (more.details['diagnostics'] as Diagnostic[]).filter(({ rule }) => rule === 'policy')
    expect(found.map(({ message, line }) => [/"(\w+)" is new and was not approved/.exec(message)?.[1], line > 0])).to.deep.equal([
      ['STRIPE_KEY', true],
    ])
    const { added } = more.details['capabilities'] as { added: { kind: 'net'; name: string }[] }
    expect((await platform.analyze({ name: 'a', source: two })).capabilities).to.deep.equal({ added, removed: [] })
    expect((await platform.analyze({ source: two })).capabilities.added).to.have.length(3)
    await platform.deploy({ name: 'a', source: two, approved: added })
    await platform.deploy({ name: 'a', source: one, approved: [] })
    await platform.deploy({ name: 'a', source: two })
    for (const approved of [{}, 'all', [5], [{ kind: 'net' }]])
      await rejection(platform.deploy({ name: 'a', source: one, approved: approved as never }), 'INVALID_OPTION')
  })

  it('denies the database at run time to code that the analyzer could not see, with the remedy', async () => {
    const ways = [
      `return ctx[input.a + input.b].query('select 1')`,
      `const { [input.a + input.b]: d } = ctx; return d.query('select 1')`,
      `const { ...copy } = { get it() { return Object.getPrototypeOf(ctx) } }; return Reflect.get(copy.it, input.a + input.b, ctx).query('select 1')`,
      `for (const key of Object.getOwnPropertyNames(Object.getPrototypeOf(ctx))) if (key.length === 2) return ctx[key].query('select 1')`,
      `return ctx[[...'bd'].reverse().map((one) => input.a && one).join('')].transaction(async (tx) => tx.query('select 1'))`,
    ]
    for (const way of ways) {
      const { manifest } = await platform.deploy({ name: 'a', source: handler(way), config: { env: {} } })
      expect(manifest.database, way).to.equal(false)
      const error = await rejection(platform.invoke('a', { a: 'd', b: 'b' }), 'CAPABILITY_DENIED')
      expect(error.message).to.include('Set database: true in its config')
    }
    await platform.deploy({ name: 'a', source: handler(`return ctx.db.query('select 1')`), config: { database: false } })
    await rejection(platform.invoke('a'), 'CAPABILITY_DENIED')
  })

  it('gives the environment that config sets, and nothing for other names that the code reads', async () => {
    const source = handler(
      `const name = ['HO', 'ME'].join(''); return [process.env.A, ctx.env.A, process.env.B, process.env[name], ctx.env.PATH].map((one) => one ?? null)`,
    )
    const { manifest } = await platform.deploy({ name: 'a', source, config: { env: { A: 'x' } } })
    expect(manifest.env).to.include.members(['A', 'B'])
    expect((await platform.invoke('a')).output).to.deep.equal(['x', 'x', null, null, null])
  })

  it('keeps with each version what was approved for it, over a restart and whatever the policy is then', async () => {
    const query = handler(`return (await ctx.db.query('select 1 as n')).rows[0].n`)
    const first = await platform.deploy({ name: 'a', source: query })
    await platform.deploy({ name: 'a', source: handler(`return fetch('https://api.example.com').catch(() => 2)`) })
    const before = await platform.functions.versions('a')
    expect(before.map(({ manifest }) => [manifest.database, manifest.net])).to.deep.equal([
      [false, ['api.example.com']],
      [true, []],
    ])
    await platform.close()
    platform = await createPlatform({ dataDir: join(path, 'data'), logger, allow: { ...allow, database: false } })
    expect(await platform.functions.versions('a')).to.deep.equal(before)
    await platform.functions.rollback('a', first.version)
    expect((await platform.invoke('a')).output).to.equal(1)
    expect(await refusals('b', query)).to.have.length(1)
  })
})
