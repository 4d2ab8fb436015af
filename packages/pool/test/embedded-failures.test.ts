import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createNotingLogger, createWaitingLogger, failureOf } from './support/scratch.ts'
import { createTestServers, own, type TestServers } from './support/servers.ts'
import { gone, isRunning, startHostProcess } from './support/host-process.ts'

describe('embedded server, when things break', () => {
  let servers: TestServers

  before(async () => {
    servers = await createTestServers()
  })
  afterEach(() => servers.closeAll())
  after(() => servers.remove())

  describe('files that a crash left', () => {
    const lock = 'postgres/postmaster.pid'
    const broken: readonly [string, (dataDir: string) => Promise<unknown>][] = [
      ['an empty lock file', (dataDir) => writeFile(join(dataDir, lock), '')],
      ['a lock file that was cut off', (dataDir) => writeFile(join(dataDir, lock), '12')],
      ['a lock file of binary zeroes', (dataDir) => writeFile(join(dataDir, lock), Buffer.alloc(64))],
      ['a lock file that names the first process', (dataDir) => writeFile(join(dataDir, lock), `1\n${join(dataDir, 'postgres')}\n`)],
      ['an empty PG_VERSION', (dataDir) => truncate(join(dataDir, 'postgres/PG_VERSION'))],
      ['no PG_VERSION', (dataDir) => rm(join(dataDir, 'postgres/PG_VERSION'))],
      ['a postgresql.conf that was cut off', (dataDir) => truncate(join(dataDir, 'postgres/postgresql.conf'), 100)],
      [
        'no settings files',
        (dataDir) => Promise.all(['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf'].map((name) => rm(join(dataDir, 'postgres', name)))),
      ],
      ['access rights that PostgreSQL refuses', (dataDir) => chmod(join(dataDir, 'postgres'), 0o2770)],
      ['a database that was begun under another name', (dataDir) => mkdir(join(dataDir, 'postgres.new-1', 'base'), { recursive: true })],
      ['a note of a socket that is gone', (dataDir) => writeFile(join(dataDir, 'postgres.socket'), '/nowhere/cordon-abc')],
      ['a note of a socket with a path that is not ours', (dataDir) => writeFile(join(dataDir, 'postgres.socket'), join(dataDir, 'postgres'))],
    ]

    it(`are no obstacle: ${broken.map(([name]) => name).join(', ')}`, async function () {
      this.timeout(60_000)
      const dataDir = servers.template
      for (const [, breakIt] of broken) {
        await breakIt(dataDir)
        await servers.expectKept(await servers.start(dataDir))
        await servers.closeAll()
      }
      expect((await readdir(dataDir)).filter((name) => /^postgres\.(new|incomplete|socket)/.test(name))).to.deep.equal([])
      expect((await lstat(join(dataDir, 'postgres'))).mode & 0o777).to.equal(0o700)
    })

    it('never make a database that was in use look like a new one', async () => {
      await withoutControlFile(async () => {
        const error = await failureOf(servers.start(servers.template))
        expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
        expect(error.message).to.contain('its control file is missing').and.contain('backup')
      })
      await servers.expectKept(await servers.start(servers.template))
    })

    it('and the server of a killed host whose lock file somebody removed is found all the same', async () => {
      const host = await startHostProcess(servers.template, 'no-reaper')
      await host.kill()
      await rm(join(servers.template, lock))
      await servers.expectKept(await servers.start(servers.template))
      expect(await isRunning(host.serverPid)).to.equal(false)
    })
  })

  it('creates the database again after a host that was killed in the middle of it, wherever that was', async function () {
    this.timeout(120_000)
    const dataDir = join(servers.path, 'first')
    const stages = ['pg_wal', 'global/pg_control', 'base/4']
    for (const stage of stages) await killWhile(dataDir, stage)
    const server = await servers.start(dataDir)
    const { rows } = await servers
      .poolOf(server)
      .query<{ name: string; access: boolean }>(
        "SELECT datname AS name, has_database_privilege('public', oid, 'CONNECT') AS access FROM pg_database WHERE datallowconn ORDER BY 1",
      )
    expect(rows).to.deep.equal(['cordon', 'postgres', 'template1'].map((name) => ({ name, access: false })))
    expect((await readdir(dataDir)).filter((name) => name.includes('new') || name.includes('incomplete'))).to.deep.equal([])
  })

  /** Starts a host for the first time, and kills it together with its initdb as soon as `stage` exists. */
  async function killWhile(dataDir: string, stage: string): Promise<void> {
    const file = fileURLToPath(new URL('../test/fixtures/host.mjs', import.meta.url))
    // A group of its own: initdb belongs to it.
    const child = spawn(process.execPath, [file, dataDir, 'no-reaper'], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    const exited = once(child, 'exit')
    const cluster = join(dataDir, `postgres.new-${child.pid}`)
    while ((await stat(join(cluster, stage)).catch(() => undefined)) === undefined && child.exitCode === null) await turn()
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await exited
    expect(await readdir(dataDir)).to.not.include('postgres')
  }

  it('replaces a server that hangs', async () => {
    const logger = createNotingLogger()
    const server = await servers.start(servers.template, { watchIntervalMs: 150, logger })
    const pool = servers.poolOf(server)
    const { pid } = server
    process.kill(pid, 'SIGSTOP')
    expect((await pool.query('SELECT id FROM kept')).rows).to.deep.equal([{ id: 1 }])
    expect(server.pid).to.not.equal(pid)
    expect(logger.messages.join()).to.contain('does not answer')
    await gone(pid)
  })

  it('says that a server does not answer, not that all connections are taken', async () => {
    const server = await servers.start(servers.template)
    process.kill(server.pid, 'SIGSTOP')
    const error = await failureOf(servers.poolOf(server, { acquireTimeoutMs: 100 }).query('SELECT 1'))
    expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
    expect(error.message).to.match(/did not answer within 100 ms$/)
    process.kill(server.pid, 'SIGCONT')
  })

  it('tries less and less often to start a server that always ends, says so at once, and is back when the cause is gone', async () => {
    const logger = createWaitingLogger()
    const server = await servers.start(servers.template, { logger })
    const pool = servers.poolOf(server, { acquireTimeoutMs: 30_000 })
    await withoutControlFile(async () => {
      process.kill(server.pid, 'SIGKILL')
      await logger.said('pg_control')
      // Waits while waiting makes sense, then says what is wrong; the next one need not wait.
      const errors = [await failureOf(pool.query('SELECT 1')), await failureOf(pool.query('SELECT 1'))]
      for (const error of errors) {
        expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
        expect(error.message).to.match(/ended \d+ times in a row, last: .*pg_control.*cordon db logs/)
      }
      expect(logger.messages.filter((one) => one.includes('pg_control')).length).to.be.within(5, 12)
    })
    await logger.said('The database server runs again')
    await servers.expectKept(server)
  })

  it('can be closed while it waits for the next attempt', async () => {
    const logger = createWaitingLogger()
    const server = await servers.start(servers.template, { logger })
    await withoutControlFile(async () => {
      process.kill(server.pid, 'SIGKILL')
      await logger.said('pg_control')
      await server.close()
    })
  })

  /** Without this file no server starts. */
  async function withoutControlFile(work: () => Promise<void>): Promise<void> {
    const control = join(servers.template, 'postgres/global/pg_control')
    await rename(control, `${control}.away`)
    try {
      await work()
    } finally {
      await rename(`${control}.away`, control)
    }
  }

  it('keeps its log bounded while it runs', async () => {
    const log = join(servers.template, 'postgres.log')
    const server = await servers.start(servers.template, { watchIntervalMs: 50 })
    await appendFile(log, Buffer.alloc((4 << 20) + 1, 'x'))
    while ((await stat(log)).size > 1 << 20) await turn()
    expect((await stat(`${log}.1`)).size).to.be.greaterThan(4 << 20)
    // What comes now is written at the beginning, not behind a hole.
    const wrong = servers.poolOf({ ...server, connection: { ...server.connection, database: 'absent' } })
    await failureOf(wrong.query('SELECT 1'))
    while (!(await readFile(log, 'utf8')).includes('absent')) await turn()
    expect((await readFile(log, 'utf8')).startsWith('\0')).to.equal(false)
  })

  it('works in directories with any name, and refuses a path that PostgreSQL would cut off', async () => {
    const odd = join(servers.path, `it's "odd" $(x), ö\\`)
    const temporary = join(servers.path, 'a, "b" ')
    await mkdir(temporary, { mode: 0o711 })
    await rename(servers.template, odd)
    try {
      const host = await startHostProcess(odd, 'reaper', { TMPDIR: temporary })
      expect(host.socketDirectory.startsWith(temporary)).to.equal(true)
      await host.kill()
      await gone(host.serverPid)
    } finally {
      await rename(odd, servers.template)
    }

    const deep = join(servers.path, ...Array.from({ length: 12 }, () => 'z'.repeat(100)))
    const error = await failureOf(servers.start(deep))
    expect(error).to.include({ code: 'INVALID_OPTION' })
    expect(error.message).to.contain('900 bytes')
  })

  if (process.getuid?.() === 0) {
    it('says what a user id without an account needs, and runs without one on a database that exists', async () => {
      const home = join(servers.path, 'stranger')
      await mkdir(home, { mode: 0o711 })
      await chown(home, 60_700, 60_700)
      const said = await asStranger(home, join(home, 'new'))
      expect(said).to.contain('STORE_UNAVAILABLE').and.contain('the user id 60700 has no entry in /etc/passwd').and.contain('databaseUrl')
      const dataDir = await servers.copy('stranger/existing')
      await own(dataDir, 60_700)
      expect(await asStranger(home, dataDir)).to.contain('version 1')
    })
  }
})

/** Starts and stops a server as a user that /etc/passwd does not know. */
async function asStranger(cwd: string, dataDir: string): Promise<string> {
  const file = fileURLToPath(new URL('../test/fixtures/start-once.mjs', import.meta.url))
  const child = spawn(process.execPath, [file, dataDir], { uid: 60_700, gid: 60_700, cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  return text(child.stdout)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
