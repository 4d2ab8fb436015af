import { fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createPlatform, type Platform, type PlatformOptions } from '@cordon/core'
import { createBackup, migratePlatform, restoreBackup } from '@cordon/core/backup'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'
import { startServer, type TestServer } from './support/server.ts'

const copying = fileURLToPath(new URL('../test/fixtures/copying.mjs', import.meta.url))
const notes = handler(
  'await ctx.db.query("insert into notes (text) values ($1)", [input]); console.log("noted"); ' +
    'return { rows: (await ctx.db.query("select * from notes order by id")).rows, key: ctx.secrets.KEY }',
  "export const config = { database: true, secrets: ['KEY'] }",
)
const migration = "create table notes (id serial primary key, text text unique); insert into notes (text) values ('first')"

describe('backup, restore and migrate', function () {
  this.timeout(60_000)
  let path: string
  let remove: () => Promise<void>
  let server: TestServer
  let url: string
  let dataDir: string
  let file: string
  const opened: Platform[] = []

  before(async () => {
    ;({ path, remove } = await createScratch())
    server = await startServer()
    ;({ url } = await server.database())
    dataDir = join(path, 'source')
    file = join(path, 'first.backup')
    const platform = await open({ dataDir })
    for (const one of [platform, platform.tenant('acme')]) {
      await one.secrets.set('KEY', 'hidden value')
      await one.deploy({ name: 'notes', files: { 'index.ts': notes, 'migrations/1.sql': migration } })
      await one.invoke('notes', 'second')
    }
    // While it runs.
    const written = await createBackup({ dataDir }, file)
    expect(written).to.include({ tenants: 2 })
    expect(written.bytes).to.equal((await stat(file)).size)
    await platform.close()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((platform) => platform.close()))
  })
  after(async () => {
    await server.stop()
    await remove()
  })

  async function open(options: PlatformOptions): Promise<Platform> {
    const platform = await createPlatform({ logger: createNotingLogger(), ...options })
    opened.push(platform)
    return platform
  }

  async function expectSame(options: PlatformOptions): Promise<void> {
    const platform = await open(options)
    for (const one of [platform, platform.tenant('acme')]) {
      expect((await one.logs('notes')).items.map(({ message }) => message)).to.deep.equal(['noted'])
      expect((await one.secrets.list()).map(({ name }) => name)).to.deep.equal(['KEY'])
      const { output } = await one.invoke('notes', 'third')
      expect(output).to.deep.equal({ rows: ['first', 'second', 'third'].map((text, at) => ({ id: at + 1, text })), key: 'hidden value' })
      // The ledger of migrations came along.
      expect(
        (await one.deploy({ name: 'notes', files: { 'index.ts': notes.replace('noted', 'noted again'), 'migrations/1.sql': migration } })).migrations,
      ).to.deep.equal([])
    }
    await platform.close()
  }

  it('hold nothing of secrets and keys but what is sealed, and can be read by their owner only', async () => {
    expect((await stat(file)).mode & 0o777).to.equal(0o600)
    const text = await readFile(file, 'latin1')
    expect(text.split('\n')[0]).to.match(/^\{"format":"cordon backup","version":1,"schema":\d+,"server":"[^"]+","createdAt":"[^"]+"\}$/)
    expect((await readdir(path)).filter((name) => name.includes('partial'))).to.deep.equal([])
  })

  it('make the same platform, also after a restore that was killed, on which no host starts', async () => {
    const target = join(path, 'restored')
    await runAndKill(['restore', file, target])
    const error = await rejection(createPlatform({ dataDir: target, logger: createNotingLogger() }), 'STORE_UNAVAILABLE')
    expect(error.message).to.contain('was interrupted. Run that command again')
    const progress: number[] = []
    const info = await restoreBackup({ dataDir: target }, file, { onProgress: ({ tables }) => void progress.push(tables) })
    expect(info).to.include({ tenants: 2 })
    expect(progress).to.deep.equal(progress.map((_, at) => at + 1))
    await copyFile(join(dataDir, 'secrets.key'), join(target, 'secrets.key'))
    await expectSame({ dataDir: target })
  })

  it('copy a platform to a server, also after an attempt that was killed, and change nothing at the source', async () => {
    await runAndKill(['migrate', dataDir, url])
    expect((await rejection(createPlatform({ databaseUrl: url, dataDir, logger: createNotingLogger() }), 'STORE_UNAVAILABLE')).message).to.contain(
      'interrupted',
    )
    const before = await createBackup({ dataDir }, join(path, 'before.backup'))
    expect(await migratePlatform({ dataDir }, { dataDir, databaseUrl: url })).to.include({ tenants: 2, rows: before.rows })
    const after = await createBackup({ dataDir }, join(path, 'after.backup'))
    expect(after).to.include({ tables: before.tables, rows: before.rows })
    await expectSame({ databaseUrl: url, dataDir })
  })

  it('refuse a platform that is there, one that runs, and a database that has none', async () => {
    const platform = await open({ dataDir })
    expect((await rejection(migratePlatform({ dataDir }, { dataDir, databaseUrl: url }), 'DATA_DIR_IN_USE')).message).to.contain(String(process.pid))
    await platform.close()
    const before = await readdir(path)
    for (const work of [() => restoreBackup({ dataDir }, file), () => migratePlatform({ dataDir }, { dataDir, databaseUrl: url })])
      expect((await rejection(work, 'INVALID_OPTION')).message).to.contain('there is a platform already')
    const { url: empty } = await server.database()
    await rejection(createBackup({ dataDir, databaseUrl: empty }, join(path, 'none.backup')), 'STORE_UNAVAILABLE')
    expect((await rejection(createBackup({ dataDir }, file), 'INVALID_OPTION')).message).to.contain('already')
    expect(await readdir(path)).to.deep.equal(before)
    await expectRows()
  })

  it('refuse a file that is cut, altered, no backup or of a newer version, before anything is made', async () => {
    const bytes = await readFile(file)
    const altered = Buffer.from(bytes)
    altered[bytes.length >> 1] = (altered[bytes.length >> 1] ?? 0) ^ 1
    const text = bytes.toString('latin1')
    const files = {
      cut: bytes.subarray(0, bytes.length - 100),
      shorter: bytes.subarray(0, 50),
      none: Buffer.alloc(0),
      altered,
      other: Buffer.from('{"format":"something"}\n'),
      format: Buffer.from(text.replace('"version":1', '"version":2'), 'latin1'),
    }
    const { url: empty, sql } = await server.database()
    for (const [name, content] of Object.entries(files)) {
      const given = join(path, `${name}.bad`)
      await writeFile(given, content)
      await rejection(restoreBackup({ dataDir, databaseUrl: empty }, given), 'INVALID_INPUT')
    }
    await rejection(restoreBackup({ dataDir, databaseUrl: empty }, join(path, 'missing')), 'INVALID_OPTION')
    expect((await sql.query("select 1 from pg_namespace where nspname = 'cordon'")).rows).to.deep.equal([])
  })

  async function expectRows(): Promise<void> {
    const platform = await open({ dataDir })
    expect((await platform.functions.list()).map(({ name }) => name)).to.deep.equal(['notes'])
  }

  /** Lets a process copy, and kills it after some tables. */
  async function runAndKill(args: readonly string[]): Promise<void> {
    const child = fork(copying, args)
    child.on('message', (message) => {
      if (JSON.stringify(message).includes('"tables":2')) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    expect(child.signalCode).to.equal('SIGKILL')
  }
})
