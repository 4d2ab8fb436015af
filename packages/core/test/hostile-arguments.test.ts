import { createPlatform, PlatformError, type Platform } from '@cordon/core'
import { expect } from 'chai'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

/** Everything that is no argument of anything. Made anew for each use, since some of it can be used up. */
function absurdities(): readonly unknown[] {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  function fail(): never {
    throw new TypeError('a trap')
  }
  const trap = new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail })
  const getters = Object.fromEntries(['name', 'source', 'id', 'follow', 'signal', 'dataDir', 'version'].map((key) => [key, 1]))
  for (const key of Object.keys(getters)) Object.defineProperty(getters, key, { enumerable: true, get: fail })
  const circle: unknown[] = []
  circle.push(circle)
  const odd = { toString: fail, toJSON: fail, valueOf: fail }
  const plain = [null, 0, Number.NaN, '', 'a\0b', '\ud800', '__proto__', Symbol('s'), 1n, [], fail, new Map(), new Date(Number.NaN)]
  return [...plain, Object.create(null), revoked, trap, getters, circle, odd]
}

type Call = (platform: Platform, value: never) => unknown

/** Where a host can hand something over. */
const calls: Record<string, Call> = {
  'deploy(x)': (platform, value) => platform.deploy(value),
  'deploy({ name })': (platform, value) => platform.deploy({ name: value, source: '' }),
  'deploy({ label })': (platform, value) => platform.deploy({ name: 'echo', source: handler('return 1'), label: value }),
  'deploy({ approved })': (platform, value) => platform.deploy({ name: 'echo', source: handler('return 1'), approved: value }),
  'analyze(x)': (platform, value) => platform.analyze(value),
  'analyze({ source })': (platform, value) => platform.analyze({ source: value }),
  'analyze({ files })': (platform, value) => platform.analyze({ files: value }),
  'analyze({ files: { path } })': (platform, value) => platform.analyze({ files: { 'index.ts': value } }),
  'analyze({ archive })': (platform, value) => platform.analyze({ archive: value }),
  'analyze({ directory })': (platform, value) => platform.analyze({ directory: value }),
  'analyze({ entry })': (platform, value) => platform.analyze({ source: '', entry: value }),
  'analyze({ config })': (platform, value) => platform.analyze({ source: '', config: value }),
  'invoke(x)': (platform, value) => platform.invoke(value),
  'invoke(, x)': (platform, value) => platform.invoke('echo', value),
  'invokeJson(, x)': (platform, value) => platform.invokeJson('echo', value),
  'invoke(,, x)': (platform, value) => platform.invoke('echo', 1, value),
  'invoke({ version })': (platform, value) => platform.invoke('echo', 1, { version: value }),
  'invoke({ user })': (platform, value) => platform.invoke('echo', 1, { user: value }),
  'invoke({ signal })': (platform, value) => platform.invoke('echo', 1, { signal: value }),
  'invoke({ timeoutMs })': (platform, value) => platform.invoke('echo', 1, { timeoutMs: value }),
  'invoke({ request })': (platform, value) => platform.invoke('echo', 1, { request: value }),
  'invoke({ request: { query } })': (platform, value) => platform.invoke('echo', 1, { request: { query: value } }),
  'fetch(x)': (platform, value) => platform.fetch(value, new Request('http://h/')),
  'fetch(, x)': (platform, value) => platform.fetch('echo', value),
  'fetch(,, x)': (platform, value) => platform.fetch('echo', new Request('http://h/'), value),
  'functions.get': (platform, value) => platform.functions.get(value),
  'functions.versions': (platform, value) => platform.functions.versions(value),
  'functions.rollback': (platform, value) => platform.functions.rollback(value),
  'functions.rollback(, x)': (platform, value) => platform.functions.rollback('echo', value),
  'functions.remove': (platform, value) => platform.functions.remove(value),
  'logs(x)': (platform, value) => platform.logs(value),
  'logs(, x)': (platform, value) => platform.logs('echo', value),
  'logs({ since })': (platform, value) => platform.logs('echo', { since: value }),
  'logs({ version })': (platform, value) => platform.logs('echo', { version: value }),
  'usage(x)': (platform, value) => platform.usage(value),
  'usage(, x)': (platform, value) => platform.usage('echo', value),
  'usage({ since })': (platform, value) => platform.usage('echo', { since: value }),
  'logs({ follow })': (platform, value) => platform.logs('echo', { follow: value }),
  'logs({ signal })': (platform, value) => platform.logs('echo', { follow: true, signal: value }),
  'invocations(x)': (platform, value) => platform.invocations(value),
  'invocations(, x)': (platform, value) => platform.invocations('echo', value),
  'secrets.set(x)': (platform, value) => platform.secrets.set(value, 'v'),
  'secrets.remove(x)': (platform, value) => platform.secrets.remove(value),
  'tenants.get(x)': (platform, value) => platform.tenants.get(value),
  'tenants.remove(x)': (platform, value) => platform.tenants.remove(value),
  'deploy({ user })': (platform, value) => platform.deploy({ name: 'echo', source: '', user: value }),
  'functions.rollback(,, x)': (platform, value) => platform.functions.rollback('echo', undefined, value),
  'functions.deployments(x)': (platform, value) => platform.functions.deployments(value),
  'tenant(x)': (platform, value) => platform.tenant(value),
  'on(x)': (platform, value) => platform.on(value, () => undefined),
}

describe('hostile arguments', () => {
  let platform: Platform
  let dataDir: string
  let remove: () => Promise<void>

  before(async () => {
    const scratch = await createScratch()
    remove = scratch.remove
    dataDir = scratch.path
    platform = await createPlatform({ dataDir, logger: createNotingLogger() })
    await platform.deploy({ name: 'echo', source: handler('return input') })
  })
  after(async () => {
    await platform.close()
    await remove()
  })

  for (const [where, call] of Object.entries(calls)) {
    it(`are an answer or one PlatformError in ${where}`, async () => {
      for (const value of absurdities()) {
        try {
          await call(platform, value as never)
        } catch (error) {
          if (!(error instanceof PlatformError)) expect.fail(`expected a PlatformError, got ${String(error)}`)
          expect(error.code).not.to.be.oneOf(['STORE_UNAVAILABLE', 'SANDBOX_FAILED', 'CRASHED'])
          expect(error.message).to.match(/^Cannot .+: ./)
        }
      }
    })
  }

  it('are refused by createPlatform, at every depth', async () => {
    for (const value of absurdities().filter((one) => !isEmpty(one))) await rejection(createPlatform(value as never), 'INVALID_OPTION')
    for (const group of ['limits', 'packages', 'analyzer', 'logger'])
      for (const value of absurdities().filter((one) => !isEmpty(one) || group === 'logger'))
        await rejection(createPlatform({ dataDir, [group]: value as never }), 'INVALID_OPTION')
  })

  it('name times that no database can hold', async () => {
    for (const since of [1e300, -1e300, Number.POSITIVE_INFINITY]) await rejection(platform.invocations('echo', { since }), 'INVALID_OPTION')
    expect(await platform.logs('echo', { since: new Date(8_640_000_000_000_000) })).to.deep.equal({ items: [], next: null })
  })

  it('do not fill a sandbox beside the payload', async () => {
    const text = 'x'.repeat(7_000_000)
    await rejection(platform.invoke('echo', 1, { user: { id: text } }), 'PAYLOAD_TOO_LARGE')
    await rejection(platform.invoke('echo', 1, { request: { headers: { a: text } } }), 'PAYLOAD_TOO_LARGE')
    await rejection(platform.fetch('echo', new Request(`http://h/${text}`)), 'PAYLOAD_TOO_LARGE')
    expect((await platform.invoke('echo', 2)).output).to.equal(2)
  })

  it('are read once, when the call is made', async () => {
    const files = { 'index.ts': handler('return "first"') }
    const deploying = [platform.deploy({ name: 'snapshot', source: handler('return "before"') }), platform.deploy({ name: 'snapshot', files })]
    files['index.ts'] = 'changed meanwhile'
    await Promise.all(deploying)
    expect((await platform.invoke('snapshot')).output).to.equal('first')
  })
})

/** An object without keys is no options at all. */
function isEmpty(value: unknown): boolean {
  try {
    return typeof value === 'object' && value !== null && !Array.isArray(value) && Reflect.ownKeys(value).length === 0
  } catch {
    return false
  }
}
