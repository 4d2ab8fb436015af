import { platformOptionTable, PlatformError, resolveFunctionConfig, resolveOptions, type ResolvedPlatformOptions } from '@cordon/contracts'
import { expect } from 'chai'

const table = platformOptionTable({ workingDirectory: '/app', isProduction: false })

function resolve(given: unknown): Readonly<ResolvedPlatformOptions> {
  return resolveOptions(table, given)
}

function refusal(given: unknown): PlatformError {
  try {
    resolve(given)
  } catch (error) {
    if (error instanceof PlatformError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

describe('the options of createPlatform', () => {
  it('spells origins as browsers do', () => {
    const origins = [
      'HTTPS://App.Example.com:443',
      'http://localhost:5173',
      'https://*.Example.com',
      'null',
      'capacitor://localhost',
      'http://[::1]:80',
    ]
    expect(resolve({ http: { cors: { origins: [...origins, 'https://app.example.com'] } } }).http.cors.origins).to.deep.equal([
      'https://app.example.com',
      'http://localhost:5173',
      'https://*.example.com',
      'null',
      'capacitor://localhost',
      'http://[::1]',
    ])
  })

  it('does not describe functions to everybody in production', () => {
    const production = platformOptionTable({ workingDirectory: '/app', isProduction: true })
    expect(resolveOptions(production, { http: {} }).http.docs).to.equal(false)
    expect(resolveOptions(production, { http: { docs: true } }).http.docs).to.equal(true)
  })

  it('has the documented defaults', () => {
    expect(resolve(undefined)).to.deep.equal({
      dataDir: './.cordon',
      databaseUrl: undefined,
      tenancy: 'schema',
      database: {
        connections: 50,
        tenantConnections: 5,
        acquireTimeoutMs: 5000,
        queryTimeoutMs: 5000,
        resultRows: 100_000,
        resultBytes: 10_000_000,
        statements: 10_000,
        rows: 1_000_000,
        bytes: 250_000_000,
        slowQueryMs: 1000,
        migrationTimeoutMs: 60_000,
      },
      isolation: 'process',
      hardening: 'best-effort',
      cpus: undefined,
      packages: { from: '/app', allow: [] },
      net: { allowPrivate: [], requests: 100, concurrency: 10, bytes: 100_000_000 },
      http: {
        cors: {
          origins: [],
          apiOrigins: [],
          methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
          headers: ['*'],
          exposeHeaders: ['x-cordon-invocation-id', 'x-relay-error', 'ratelimit', 'ratelimit-policy', 'retry-after'],
          credentials: false,
          maxAgeMs: 600_000,
        },
        rateLimit: { windowMs: 60_000, perTenant: undefined, perFunction: undefined, perAddress: undefined },
        securityHeaders: true,
        hstsMs: 0,
        docs: true,
        trustProxy: 0,
        port: 8080,
        host: '127.0.0.1',
        noticeMs: 0,
        graceMs: 10_000,
        headersTimeoutMs: 15_000,
        requestTimeoutMs: 300_000,
      },
      scheduling: { maxSandboxes: 64, tenantConcurrency: 1000, maxWaiting: 10_000, spares: 1, idleMs: 300_000 },
      limits: {
        timeoutMs: 5000,
        loadTimeoutMs: 5000,
        memoryMb: 128,
        concurrency: 10,
        instanceConcurrency: 1,
        reuse: true,
        queueLength: 1000,
        queueMs: 5000,
        payloadBytes: 6_000_000,
        outputBytes: 6_000_000,
        logBytes: 256_000,
      },
      backup: { directory: undefined, everyMs: 86_400_000, keep: 7 },
      records: { write: 'behind', keepDays: 30, keepMb: 4096 },
      analyzer: { enforce: true, rules: {}, ruleModules: [] },
      allow: {
        database: true,
        net: ['*'],
        secrets: ['*'],
        functions: ['*'],
        packages: ['*'],
        limits: { timeoutMs: undefined, memoryMb: undefined },
        approve: undefined,
        approveMs: 10_000,
        tenants: {},
      },
      secretsKey: undefined,
      metrics: { functions: 100, token: undefined },
      log: { format: 'auto', level: 'info', requests: false },
      logger: undefined,
      authenticate: undefined,
    })
  })

  it('requires hardening in production', () => {
    expect(resolveOptions(platformOptionTable({ workingDirectory: '/', isProduction: true }), {}).hardening).to.equal('required')
  })

  it('treats undefined as left out and zero and false as values', () => {
    const options = resolve({ dataDir: undefined, limits: { queueLength: 0, timeoutMs: undefined }, analyzer: { enforce: false } })
    expect(options.dataDir).to.equal('./.cordon')
    expect(options.limits).to.include({ queueLength: 0, timeoutMs: 5000 })
    expect(options.analyzer.enforce).to.equal(false)
  })

  it('takes hosts of ones own network one by one, and never all at once', () => {
    expect(resolve({ net: { allowPrivate: ['LocalHost:8080', '0x7f.1', '*.Intranet.example:443'] } }).net.allowPrivate).to.deep.equal([
      'localhost:8080',
      '127.0.0.1',
      '*.intranet.example',
    ])
    for (const allowPrivate of [['*'], ['http://a/'], [''], 'localhost', [7]]) {
      expect(refusal({ net: { allowPrivate } }).details['option'], String(allowPrivate)).to.equal('net.allowPrivate')
    }
  })

  it('spells the hosts of allow in one way, and keeps of a tenant only the rules that it is given', () => {
    const { allow } = resolve({
      allow: { net: ['API.Example.com:443', '*.bücher.example', '0x7f.1:8080'], tenants: { acme: { net: [], database: undefined } } },
    })
    expect(allow.net).to.deep.equal(['api.example.com', '*.xn--bcher-kva.example', '127.0.0.1:8080'])
    expect(allow.tenants).to.deep.equal({ acme: { net: [] } })
    for (const frozen of [allow, allow.net, allow.limits, allow.tenants, allow.tenants['acme']]) expect(frozen).to.be.frozen
  })

  it('takes cores as a sorted list without repetitions and refuses what names none', () => {
    expect(resolve({ cpus: [3, 0, 3] }).cpus).to.deep.equal([0, 3])
    for (const cpus of [[], [-1], [0.5], [63], ['0'], '0', 0, null, [0, undefined], Object.assign([], { length: 1 })])
      expect(refusal({ cpus }).details['option']).to.equal('cpus')
  })

  it('neither keeps nor changes the object of the caller and freezes the result', () => {
    const allow = ['zod']
    const given = { packages: { allow } }
    const options = resolve(given)
    allow.push('hono')
    expect(options.packages.allow).to.deep.equal(['zod'])
    expect(given).to.deep.equal({ packages: { allow: ['zod', 'hono'] } })
    for (const frozen of [options, options.limits, options.scheduling, options.packages, options.packages.allow]) expect(frozen).to.be.frozen
  })

  const wrong: [given: unknown, option: string][] = [
    [{ timeout: 1 }, 'timeout'],
    [{ limits: { timeoutMS: 1 } }, 'limits.timeoutMS'],
    [{ limits: { timeoutMs: 0 } }, 'limits.timeoutMs'],
    [{ limits: { timeoutMs: 1.5 } }, 'limits.timeoutMs'],
    [{ limits: { timeoutMs: '5' } }, 'limits.timeoutMs'],
    [{ limits: { timeoutMs: Number.NaN } }, 'limits.timeoutMs'],
    [{ limits: { memoryMb: 1n } }, 'limits.memoryMb'],
    [{ limits: null }, 'limits'],
    [{ scheduling: { maxSandboxes: 0 } }, 'scheduling.maxSandboxes'],
    [{ scheduling: { sandboxes: 1 } }, 'scheduling.sandboxes'],
    [{ http: { cors: { origins: ['app.example.com'] } } }, 'http.cors.origins'],
    [{ http: { cors: { origins: ['https://app.example.com/'] } } }, 'http.cors.origins'],
    [{ http: { cors: { origins: ['https://a.*.example.com'] } } }, 'http.cors.origins'],
    [{ http: { cors: { origins: ['https://user@example.com'] } } }, 'http.cors.origins'],
    [{ http: { cors: { origins: ['*'], credentials: true } } }, 'http.cors.origins'],
    [{ http: { cors: { apiOrigins: ['*'] } } }, 'http.cors.apiOrigins'],
    [{ http: { cors: { headers: ['a b'] } } }, 'http.cors.headers'],
    [{ http: { rateLimit: { perTenant: 0 } } }, 'http.rateLimit.perTenant'],
    [{ http: { trustProxy: true } }, 'http.trustProxy'],
    [{ allow: { net: ['https://api.example.com'] } }, 'allow.net'],
    [{ allow: { net: ['a.*.example.com'] } }, 'allow.net'],
    [{ allow: { net: Array(1) } }, 'allow.net'],
    [{ allow: { secrets: 'A' } }, 'allow.secrets'],
    [{ allow: { packages: ['*-plugin'] } }, 'allow.packages'],
    [{ allow: { limits: { concurrency: 1 } } }, 'allow.limits.concurrency'],
    [{ allow: { approve: true } }, 'allow.approve'],
    [{ allow: { tenants: { acme: { approve() {} } } } }, 'allow.tenants.acme.approve'],
    [{ limits: [] }, 'limits'],
    [{ dataDir: '' }, 'dataDir'],
    [{ dataDir: 'a\0b' }, 'dataDir'],
    [{ databaseUrl: 'mysql://x' }, 'databaseUrl'],
    [{ isolation: 'vm' }, 'isolation'],
    [{ hardening: true }, 'hardening'],
    [{ packages: { allow: [''] } }, 'packages.allow'],
    [{ analyzer: { rules: { 'no-eval': 'fatal' } } }, 'analyzer.rules.no-eval'],
    [{ analyzer: { rules: { 'no-evil': 'warn' } } }, 'analyzer.rules.no-evil'],
    [{ analyzer: { rules: { 'acme/No': 'warn' } } }, 'analyzer.rules.acme/No'],
    [{ analyzer: { ruleModules: ['./rules.js'] } }, 'analyzer.ruleModules'],
    [{ analyzer: { ruleModules: ['https://rules.example/a.js'] } }, 'analyzer.ruleModules'],
    [{ logger: console.log }, 'logger'],
    [{ authenticate: 'yes' }, 'authenticate'],
    [JSON.parse('{ "__proto__": 1 }'), '__proto__'],
    [{ constructor: 1 }, 'constructor'],
    ['dataDir', 'options'],
  ]
  for (const [given, option] of wrong) {
    it(`refuses a wrong ${option} and names it`, () => {
      const error = refusal(given)
      expect(error.code).to.equal('INVALID_OPTION')
      expect(error.details['option']).to.equal(option)
      expect(error.message).to.match(/^Cannot use option ".+": expected .+, got .+/)
    })
  }

  it('does not repeat a database URL, which may hold a password', () => {
    expect(refusal({ databaseUrl: 'mysql://user:hunter2@db/x' }).message).not.to.contain('hunter2')
  })
})

describe('the configuration of a function', () => {
  it('leaves limits unset so that those of the host hold', () => {
    expect(resolveFunctionConfig({ memoryMb: 64 })).to.include({ timeoutMs: undefined, memoryMb: 64, access: 'public' })
  })

  const reserved = [
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'DYLD_INSERT_LIBRARIES',
    'OPENSSL_CONF',
    'SSL_CERT_FILE',
    'UV_THREADPOOL_SIZE',
    'PATH',
    'path',
    'HOME',
  ]
  for (const name of [...reserved, '1X', 'A-B', '']) {
    it(`refuses the environment name ${JSON.stringify(name)}`, () => {
      expect(() => resolveFunctionConfig({ env: { [name]: 'x' } })).to.throw(PlatformError, 'config.env.')
    })
  }

  it('refuses __proto__ as an environment name', () => {
    expect(() => resolveFunctionConfig({ env: JSON.parse('{"__proto__":"x"}') })).to.throw(PlatformError, 'config.env.__proto__')
  })
})
