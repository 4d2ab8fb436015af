import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createPlatform } from '@cordon/core'
import { expect } from 'chai'
import { runCordon, type Run } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon db', () => {
  let folder: string

  before(async () => {
    folder = await temporaryFolder('cordon-cli-')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  function db(args: readonly string[], input = ''): Promise<Run> {
    return runCordon(['db', ...args], { cwd: folder, input })
  }

  it('says that there is no database, and makes none', async () => {
    await mkdir(join(folder, 'empty'))
    const runs = await Promise.all([['status'], ['logs'], ['shell', '-c', 'select 1']].map((args) => db([...args, '--data-dir', 'empty'])))
    expect(runs.map(({ code }) => code)).to.deep.equal([3, 3, 3])
    expect(runs[0]?.stdout).to.contain('absent')
    for (const { stderr } of runs.slice(1)) expect(stderr).to.match(/^Cannot open the embedded database: there is none in .*\n$/)
  })

  it('refuses what it cannot do, with exit code 2', async () => {
    const runs = await Promise.all(
      [
        ['frob'],
        ['status', '--url', 'http://localhost:8080'],
        ['shell', '--database-url', 'mysql://x'],
        ['logs', '--limit', '0'],
        ['logs', '--database-url', 'postgres://a@b/c'],
      ].map((args) => db(args)),
    )
    expect(runs.map(({ code }) => code)).to.deep.equal([2, 2, 2, 2, 2])
    expect((await db(['status', '--database-url', 'postgres://a@127.0.0.1:1/c'])).code).to.equal(3)
  })

  it('shows a database that runs, runs SQL in it beside the platform, and does the same when it is stopped', async function () {
    this.timeout(60_000)
    const platform = await createPlatform({ dataDir: join(folder, '.cordon') })
    let url: string
    try {
      const status: unknown = JSON.parse((await db(['status', '--json'])).stdout)
      expect(status).to.include({ state: 'running', kind: 'embedded', hostPid: process.pid }).and.to.have.property('connections')
      expect((await db(['status'])).stdout).to.match(/^state +running\n.*version +PostgreSQL \d+\.\d.*database +cordon [\d.]+ MB/s)
      const { socket } = status as { socket: string }
      url = `postgres://cordon@/cordon?host=${encodeURIComponent(socket)}`
      expect((await db(['status', '--database-url', url])).stdout).to.contain('kind        server')
      const script =
        "create table notes (id int primary key, text text);\ninsert into notes\n values (1, 'a;\x1b[2J'), (2, null);\n\\d notes\nselect * from notes;"
      expect(await db(['shell'], script)).to.deep.equal({
        code: 0,
        stderr: '',
        stdout:
          'CREATE\nINSERT 2\n' +
          'column  type     nullable  default\nid      integer  f         NULL\ntext    text     t         NULL\n(2 rows)\n' +
          'id  text\n1   a;\\x1b[2J\n2   NULL\n(2 rows)\n',
      })
    } finally {
      await platform.close()
    }
    expect(await db(['status'])).to.include({ code: 3 })
    const { code, stdout } = await db(['shell', '--json'], 'begin; select id, null as x from notes where id = 1; select 1/0; select 3')
    const lines = stdout.trim().split('\n')
    expect(code).to.equal(1)
    expect(lines.map((line) => JSON.parse(line) as unknown)).to.deep.equal([
      { command: 'BEGIN', rowCount: null, rows: [] },
      { command: 'SELECT', rowCount: 1, rows: [{ id: 1, x: null }] },
      { code: 'QUERY_FAILED', detail: 'Cannot run the statement: division by zero', sqlState: '22012' },
    ])
    expect((await db(['logs', '--limit', '1'])).stdout).to.match(/^[^\n]+\n$/)
    const quiet = await db(['shell', '-c', '\\c postgres\n\\l\n\\q\nselect nonsense'])
    expect(quiet).to.include({ code: 0 })
    expect(quiet.stdout).to.contain('template1')
    expect((await db(['shell', '-c', 'select 1', '--database-url', url])).code).to.equal(3)
  })
})
