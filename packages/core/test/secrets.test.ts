import { EventEmitter, once } from 'node:events'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createPlatform, type Platform, type PlatformOptions } from '@cordon/core'
import type { SqlPool } from '@cordon/pool'
import { createKeyFile } from '../dist/secrets/key-file.js'
import { KeyRing } from '../dist/secrets/key-ring.js'
import { Vault } from '../dist/secrets/vault.js'
import { SecretStore } from '../dist/store/secret-store.js'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch } from './support/scratch.ts'
import { startServer, type TestServer } from './support/server.ts'

const [first, second] = ['1'.repeat(64), Buffer.alloc(32, 2).toString('base64')]

describe('secrets', function () {
  this.timeout(30_000)
  let server: TestServer
  let url: string
  let sql: SqlPool
  let dataDir: string
  let remove: () => Promise<void>
  let number = 0
  const opened: Platform[] = []
  before(async () => {
    server = await startServer()
  })
  beforeEach(async () => {
    ;({ url, sql } = await server.database())
    const scratch = await createScratch()
    remove = scratch.remove
    dataDir = join(scratch.path, 'data')
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((platform) => platform.close()))
    await remove()
  })
  after(() => server.stop())

  async function open(options: PlatformOptions = {}): Promise<Platform & { readonly warnings: readonly string[] }> {
    const logger = createNotingLogger()
    // A host of its own each time: hosts of one process share by URL.
    const platform = await createPlatform({ databaseUrl: `${url}&application_name=host${++number}`, dataDir, logger, ...options })
    opened.push(platform)
    return Object.assign(platform, { warnings: logger.lines })
  }

  async function stored(): Promise<{ name: string; key_id: string; text: string }[]> {
    const { rows } = await sql.query<{ name: string; key_id: string; text: string }>(
      "select tenant || ' ' || name as name, key_id, encode(sealed, 'escape') as text from cordon.secrets order by 1",
    )
    return rows
  }

  it('are listed without their values, which are nowhere to be read', async () => {
    const platform = await open({ secretsKey: first })
    await platform.secrets.set('STRIPE_KEY', 'sk_value')
    await platform.tenant('acme').secrets.set('STRIPE_KEY', 'sk_value')
    await platform.secrets.set('OTHER', '')
    expect((await platform.secrets.list()).map(({ name }) => name)).to.deep.equal(['OTHER', 'STRIPE_KEY'])
    expect(Object.keys((await platform.secrets.list())[0] ?? {})).to.deep.equal(['name', 'createdAt', 'updatedAt'])
    const rows = await stored()
    expect(rows).to.have.length(3)
    expect(JSON.stringify(rows)).not.to.contain('sk_value')
    // The same value is not seen to be the same.
    expect(rows[1]?.text).not.to.equal(rows[0]?.text)
    expect(JSON.stringify(platform.options)).not.to.contain(first)
    await platform.secrets.remove('OTHER')
    await platform.secrets.remove('OTHER')
    expect(await platform.secrets.list()).to.have.length(1)
    for await (const item of platform.tenants.export('acme')) expect(JSON.stringify(item)).not.to.contain('sealed').and.not.contain('sk_value')
    await platform.tenants.remove('acme')
    expect(await stored()).to.have.length(1)
  })

  it('refuse what is no name or value, without repeating the value', async () => {
    const platform = await open({ secretsKey: first })
    for (const name of ['', '1a', 'a b', 'x'.repeat(129), '__proto__\0', 7])
      await rejection(platform.secrets.set(name as string, 'v'), 'INVALID_OPTION')
    for (const value of ['sk'.repeat(40_000), 'sk\ud800', 7, undefined]) {
      const error = await rejection(platform.secrets.set('NAME', value as string), 'INVALID_OPTION')
      expect(error.message).not.to.contain('sk')
    }
    for (const secretsKey of ['short', `${first}0`, [], [first, 'x'], 7]) {
      const error = await rejection(createPlatform({ dataDir, secretsKey: secretsKey as string }), 'INVALID_OPTION')
      expect(error.message).not.to.contain('short').and.not.contain(first)
    }
  })

  it('are no more, and no longer together, than every host can hold', async () => {
    const platform = await open({ secretsKey: first })
    for (let index = 0; index < 16; index++) await platform.secrets.set(`K${index}`, 'x'.repeat(65_536))
    const error = await rejection(platform.secrets.set('ONE_MORE', 'sk_value'), 'INVALID_OPTION')
    expect(error.message).to.contain('1048576 characters together').and.not.contain('sk_value')
    await platform.secrets.set('K0', 'short')
    await platform.tenant('acme').secrets.set('ONE_MORE', 'x')
    await platform.secrets.set('ONE_MORE', 'x')
  })

  it('are sealed with a key in a file that only the host can read', async () => {
    const platform = await open()
    const path = join(dataDir, 'secrets.key')
    expect(await stat(path).catch(() => undefined)).to.equal(undefined)
    await Promise.all(['A', 'B', 'C'].map((name) => platform.secrets.set(name, 'value')))
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(new Set((await stored()).map(({ key_id }) => key_id)).size).to.equal(1)
    await platform.close()
    await open()
    await chmod(path, 0o640)
    expect((await rejection(open(), 'INVALID_OPTION')).message).to.contain('600')
    await chmod(path, 0o600)
    await writeFile(path, 'nonsense\n')
    await rejection(open(), 'INVALID_OPTION')
  })

  it('are sealed with one key by all who share the data directory, whoever made it', async () => {
    const [one, two] = [await open(), await open()]
    await one.secrets.set('ONE', 'first')
    await two.secrets.set('TWO', 'second')
    expect(new Set((await stored()).map(({ key_id }) => key_id)).size).to.equal(1)
    expect(two.warnings).to.deep.equal([])
    const folder = join(dataDir, 'race')
    const made = await Promise.all(Array.from({ length: 8 }, () => createKeyFile(folder)))
    expect(new Set(made.map(String)).size).to.equal(1)
    expect(await readdir(folder)).to.deep.equal(['secrets.key'])
  })

  it('are what was read last, and gone when they are gone from the database', async () => {
    await open({ secretsKey: first })
    const door = new EventEmitter()
    class HeldStore extends SecretStore {
      isHeld = false
      override async load(tenant?: string): ReturnType<SecretStore['load']> {
        const rows = await super.load(tenant)
        if (!this.isHeld) return rows
        this.isHeld = false
        const opened = once(door, 'opened')
        door.emit('reached')
        await opened
        return rows
      }
    }
    const store = new HeldStore(sql, 'test')
    const vault = new Vault({ store, keys: [first], dataDir, onWarning: expect.fail })
    const values = () => Object.fromEntries(vault.of('acme'))
    await vault.open()
    await vault.set({ tenant: 'acme', name: 'A' }, 'old')
    store.isHeld = true
    const reached = once(door, 'reached')
    const early = vault.reload('acme')
    await reached
    const late = vault.set({ tenant: 'acme', name: 'A' }, 'new')
    for (let round = 0; round < 20; round++) await sql.query('select 1')
    door.emit('opened')
    await Promise.all([early, late])
    expect(values()).to.deep.equal({ A: 'new' })
    await sql.query('delete from cordon.secrets')
    await vault.open()
    expect(values()).to.deep.equal({})
  })

  it('are sealed anew when a key is put in front, and open with either meanwhile', async () => {
    const platform = await open()
    await platform.secrets.set('KEPT', 'value')
    await platform.close()
    const path = join(dataDir, 'secrets.key')
    const old = await readFile(path, 'utf8')
    const [before] = await stored()
    await writeFile(path, `# new\n${second}\n${old}`)
    expect((await open()).warnings).to.deep.equal([])
    const [after] = await stored()
    expect(after?.key_id).not.to.equal(before?.key_id)
    await writeFile(path, `${second}\n`)
    await Promise.all(opened.splice(0).map((one) => one.close()))
    expect((await open()).warnings).to.deep.equal([])
    await Promise.all(opened.splice(0).map((one) => one.close()))
    await writeFile(path, old)
    expect((await open()).warnings.join()).to.contain('Cannot open 1 of 1 secrets')
  })

  it('are not mixed with those of another key', async () => {
    await (await open({ secretsKey: first })).secrets.set('ONE', 'value')
    await Promise.all(opened.splice(0).map((one) => one.close()))
    const keyless = await open()
    expect(keyless.warnings.join()).to.contain('same secretsKey')
    expect((await rejection(keyless.secrets.set('TWO', 'value'), 'INVALID_OPTION')).message).to.contain('same secretsKey')
    await keyless.secrets.remove('ONE')
    await keyless.secrets.set('TWO', 'value')
  })

  it('reach the functions that name them, of their tenant, with the value of the moment', async () => {
    // Without the rules of the analyzer, so that the function can do its worst.
    const platform = await open({ secretsKey: first, analyzer: { enforce: false } })
    const source = `/** @function */
      export default (input: { name?: string }, ctx: any) => {
        Object.prototype.get = () => 'forged'
        return [ctx.secrets.KEY, Object.keys(ctx.secrets), input.name === undefined ? '' : ctx.secrets[input.name]]
      }
      export const config = { secrets: ['KEY', 'UNSET', '__proto__'] }`
    const acme = platform.tenant('acme')
    await Promise.all([platform.deploy({ name: 'read', source }), acme.deploy({ name: 'read', source })])
    await Promise.all([platform.secrets.set('KEY', 'one'), platform.secrets.set('HIDDEN', 'no'), platform.secrets.set('__proto__', 'odd')])
    await acme.secrets.set('KEY', 'theirs')
    expect((await platform.invoke('read', {})).output).to.deep.equal(['one', ['KEY', '__proto__'], ''])
    expect((await platform.invoke('read', { name: '__proto__' })).output).to.deep.equal(['one', ['KEY', '__proto__'], 'odd'])
    expect((await acme.invoke('read', {})).output).to.deep.equal(['theirs', ['KEY'], ''])
    for (const name of ['HIDDEN', 'UNSET', 'constructor', 'toString']) {
      expect((await rejection(platform.invoke('read', { name }), 'FUNCTION_ERROR')).message, name).to.contain(name)
    }
    await platform.secrets.set('KEY', 'two')
    expect((await platform.invoke('read', {})).output).to.deep.equal(['two', ['KEY', '__proto__'], ''])
    await platform.secrets.remove('KEY')
    expect((await rejection(platform.invoke('read', {}), 'FUNCTION_ERROR')).message).to.contain('not set')
  })

  it('open for their name and tenant only, and only as they were sealed', () => {
    const ring = new KeyRing([first])
    const place = { tenant: 'one', name: 'A' }
    const { keyId, sealed } = ring.seal(place, 'välue')
    expect(ring.open(place, { keyId, sealed })).to.equal('välue')
    expect(new KeyRing([second, first]).open(place, { keyId, sealed })).to.equal('välue')
    for (const other of [
      { tenant: 'two', name: 'A' },
      { tenant: 'one', name: 'B' },
      { tenant: 'one"', name: 'A' },
    ]) {
      expect(ring.open(other, { keyId, sealed })).to.equal(undefined)
    }
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed)
      changed[index] = (changed[index] ?? 0) ^ 1
      expect(ring.open(place, { keyId, sealed: changed })).to.equal(undefined)
      expect(ring.open(place, { keyId, sealed: sealed.subarray(0, index) })).to.equal(undefined)
    }
    expect(new KeyRing([second]).open(place, { keyId, sealed })).to.equal(undefined)
  })
})
