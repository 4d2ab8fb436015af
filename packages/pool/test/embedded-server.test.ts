import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Reaper } from '@cordon/contracts'
import { expect } from 'chai'
import { createNotingLogger, createNotingReaper, failureOf } from './support/scratch.ts'
import { createTestServers, type TestServers } from './support/servers.ts'
import { gone, isRunning, startHostProcess } from './support/host-process.ts'

describe('embedded server', () => {
  let servers: TestServers
  let template: string
  /** What the reaper was told during the first start, the one with initdb. */
  const firstStart: string[] = []

  function noting(words: string[]): Reaper {
    const numbers = new Map<number, number>()
    const name = (pid: number) => numbers.get(pid) ?? numbers.set(pid, numbers.size + 1).size
    return {
      watch: (pid, signal = 'SIGKILL') => void words.push(`watch ${name(pid)} ${signal}`),
      unwatch: (pid) => void words.push(`unwatch ${name(pid)}`),
      close: () => Promise.resolve(),
    }
  }

  before(async () => {
    servers = await createTestServers({ reaper: noting(firstStart) })
    template = servers.template
  })
  afterEach(() => servers.closeAll())
  after(() => servers.remove())

  it('tells the reaper about initdb as well as about the server', () => {
    expect(firstStart).to.deep.equal(['watch 1 SIGKILL', 'unwatch 1', 'watch 2 SIGQUIT', 'unwatch 2'])
  })

  it('starts on existing data, listens on no port, and leaves nothing behind', async () => {
    const reaper = createNotingReaper()
    const server = await servers.start(template, { reaper })
    await servers.expectKept(server)
    expect(server.version).to.match(/^\d+\.\d+/)
    expect([...reaper.watched]).to.deep.equal([[server.pid, 'SIGQUIT']])
    const { rows } = await servers
      .poolOf(server)
      .query("SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'fsync', 'server_encoding') ORDER BY name")
    expect(rows).to.deep.equal([
      { name: 'fsync', setting: 'on' },
      { name: 'listen_addresses', setting: '' },
      { name: 'server_encoding', setting: 'UTF8' },
    ])
    const { mode } = await lstat(server.connection.host)
    expect(mode & 0o777).to.equal(0o700)
    await Promise.all([server.close(), server.close()])
    await server.destroy()
    expect(await isRunning(server.pid)).to.equal(false)
    expect(existsSync(server.connection.host)).to.equal(false)
    expect([...reaper.watched]).to.deep.equal([])
  })

  it('ends at once when it is destroyed in the middle of a statement', async () => {
    const server = await servers.start(template)
    const pool = servers.poolOf(server)
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const running = failureOf(pool.query('SELECT count(*) FROM generate_series(1, 1e12)'))
    await server.destroy()
    expect(await running).to.include({ code: 'STORE_UNAVAILABLE' })
    await gone(rows[0]?.pid ?? 0)
  })

  it('stops when its host is killed', async () => {
    const host = await startHostProcess(template, 'reaper')
    expect(await isRunning(host.serverPid)).to.equal(true)
    await host.kill()
    await gone(host.serverPid)
  })

  it('replaces the server of a killed host that nothing stopped', async () => {
    const dataDir = template
    const host = await startHostProcess(dataDir, 'no-reaper')
    await host.kill()
    expect(await isRunning(host.serverPid)).to.equal(true)
    const server = await servers.start(dataDir)
    await servers.expectKept(server)
    expect(await isRunning(host.serverPid)).to.equal(false)
    expect(existsSync(host.socketDirectory)).to.equal(false)
  })

  it('takes no settings from PG variables, and no socket path that is too long', async () => {
    const long = join(servers.path, 'x'.repeat(90))
    await mkdir(long, { mode: 0o711 })
    const env = {
      PGHOST: 'nowhere.invalid',
      PGOPTIONS: '-c nonsense=1',
      PGSSLMODE: 'require',
      PGPASSWORD: 'x',
      PGDATABASE: 'x',
      PGDATA: '/nowhere',
      TMPDIR: long,
    }
    const host = await startHostProcess(await servers.copy('y'.repeat(120)), 'reaper', env)
    expect(host.socketDirectory.length).to.be.lessThan(90)
    await host.kill()
    await gone(host.serverPid)
    await rm(host.socketDirectory, { recursive: true, force: true })
  })

  it('comes back after its process was killed: queries in flight fail typed, the next ones work', async () => {
    const server = await servers.start(template)
    const pool = servers.poolOf(server)
    const exits: unknown[] = []
    server.onExit((exit) => exits.push(exit))
    const { pid } = server
    const running = [1, 2].map(() => failureOf(pool.query('SELECT count(*) FROM generate_series(1, 1e12)')))
    while ((await pool.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%1e12%' AND pid <> pg_backend_pid()")).rowCount < 2);
    process.kill(pid, 'SIGKILL')
    for (const error of await Promise.all(running)) expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
    await servers.expectKept(server)
    expect(server.pid).to.not.equal(pid)
    expect(exits).to.deep.equal([{ exitCode: null, signal: 'SIGKILL' }])
  })

  it('survives the death of one of its backends', async () => {
    const server = await servers.start(template)
    const pool = servers.poolOf(server)
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const { pid } = server
    const running = failureOf(pool.query('SELECT pg_sleep(60)'))
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
    expect(await running).to.include({ code: 'STORE_UNAVAILABLE' })
    await servers.expectKept(server)
    expect(server.pid).to.equal(pid)
  })

  it('can be closed while it comes back', async () => {
    const server = await servers.start(template)
    const exited = new Promise((resolve) => server.onExit(resolve))
    process.kill(server.pid, 'SIGKILL')
    await exited
    await server.close()
    expect(await isRunning(server.pid)).to.equal(false)
  })

  it('is not misled by a lock file whose process id belongs to somebody else now', async () => {
    const dataDir = template
    const lock = [process.pid, join(dataDir, 'postgres'), 1, 5432, '/tmp/nothing', '', '', 'ready   ', '']
    await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), lock.join('\n'), { mode: 0o600 })
    await servers.expectKept(await servers.start(dataDir))
  })

  it('heals what an interrupted initialisation left', async () => {
    const dataDir = join(servers.path, 'half')
    const logger = createNotingLogger()
    await mkdir(join(dataDir, 'postgres', 'global'), { recursive: true, mode: 0o711 })
    await chmod(dataDir, 0o711)
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '18\n')
    await mkdir(join(dataDir, 'postgres.new-1', 'base'), { recursive: true })
    const server = await servers.start(dataDir, { logger })
    await servers.poolOf(server).query('SELECT 1')
    const names = await readdir(dataDir)
    expect(names).to.not.include('postgres.new-1')
    expect(names.filter((name) => name.startsWith('postgres.incomplete-'))).to.have.length(1)
    expect(logger.messages.join()).to.contain('incomplete')
  })

  it('refuses data of a PostgreSQL that is not installed, and names it', async () => {
    const file = join(template, 'postgres', 'PG_VERSION')
    const version = await readFile(file)
    await writeFile(file, '9\n')
    const error = await failureOf(servers.start(template))
    await writeFile(file, version)
    expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
    expect(error.message).to.contain('written by PostgreSQL 9').and.contain('Install PostgreSQL 9')
  })

  it("gives the server's own reason when it does not start", async () => {
    const dataDir = await servers.copy('broken')
    await rm(join(dataDir, 'postgres', 'pg_wal'), { recursive: true })
    const error = await failureOf(servers.start(dataDir))
    expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
    expect(error.message).to.contain('pg_wal').and.contain('postgres.log')
  })

  it('refuses a data directory that cannot be one', async () => {
    const file = join(servers.path, 'file')
    await writeFile(file, '')
    for (const dataDir of [file, join(file, 'below')]) {
      const error = await failureOf(servers.start(dataDir))
      expect(error).to.include({ code: 'INVALID_OPTION' })
      expect(error.message).to.match(/^Cannot use the data directory: .*Set dataDir to another directory$/)
    }
  })

  if (process.getuid?.() === 0) {
    it('keeps the data elsewhere when the user it runs as cannot enter the data directory, and finds it again', async () => {
      const locked = join(servers.path, 'locked')
      const dataDir = join(locked, 'data')
      await mkdir(locked, { mode: 0o700 })
      const logger = createNotingLogger()
      const first = await servers.start(dataDir, { logger })
      await servers.poolOf(first).query('CREATE TABLE kept AS SELECT 1 AS id')
      expect(logger.messages.join()).to.contain('cannot enter')
      const cluster = await readlink(join(dataDir, 'postgres'))
      try {
        await servers.closeAll()
        await servers.expectKept(await servers.start(dataDir))
        await servers.closeAll()
        // The directory moves, and its data with it.
        await rename(locked, `${locked}-moved`)
        await servers.expectKept(await servers.start(join(`${locked}-moved`, 'data')))
      } finally {
        await servers.closeAll()
        await rm(dirname(cluster), { recursive: true, force: true })
      }
    })
  } else {
    it('refuses a directory that it may not write', async () => {
      const dataDir = join(servers.path, 'read-only')
      await mkdir(dataDir, { mode: 0o500 })
      const error = await failureOf(servers.start(dataDir))
      expect(error).to.include({ code: 'INVALID_OPTION' })
      expect(error.message).to.contain('not writable for this user')
    })
  }

  it('keeps its log out of the hands of tenants', async () => {
    const server = await servers.start(template)
    await failureOf(servers.poolOf(server).query("DO $$ BEGIN RAISE LOG 'filled by a function'; RAISE EXCEPTION 'filled by a function'; END $$"))
    expect(await readFile(join(template, 'postgres.log'), 'utf8')).to.not.contain('filled by a function')
  })
})
