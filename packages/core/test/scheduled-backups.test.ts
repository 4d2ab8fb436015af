import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createPlatform, type Platform } from '@cordon/core'
import { restoreBackup } from '@cordon/core/backup'
import { createScratch } from './support/scratch.ts'
import { startServer, type TestDatabase, type TestServer } from './support/server.ts'

describe('scheduled backups', function () {
  this.timeout(60_000)
  let path: string
  let remove: () => Promise<void>
  let server: TestServer
  let database: TestDatabase
  const opened: Platform[] = []
  before(async () => {
    ;({ path, remove } = await createScratch())
    server = await startServer()
    database = await server.database()
  })
  after(async () => {
    await Promise.all(opened.map((platform) => platform.close()))
    await server.stop()
    await remove()
  })

  it('are made by one host at a time, kept up to a number, and can be restored', async () => {
    const directory = join(path, 'backups')
    let made = 0
    const lines: string[] = []
    await new Promise<void>((resolve, reject) => {
      const note = (_: unknown, message: string): void => void lines.push(message)
      const logger = {
        debug: () => undefined,
        warn: note,
        error: note,
        info: (_: unknown, message: string) => void (message === 'A backup was made' && ++made === 3 && resolve()),
      }
      const backup = { directory, everyMs: 1000, keep: 2 }
      for (const host of ['one', 'two']) {
        // Hosts of one process share by URL.
        createPlatform({ databaseUrl: `${database.url}&application_name=${host}`, dataDir: path, logger, backup }).then(
          (platform) => opened.push(platform),
          reject,
        )
      }
    })
    await writeFile(join(directory, 'scheduled-of-somebody.backup'), 'else')
    await Promise.all(opened.splice(0).map((platform) => platform.close()))
    expect(lines).to.deep.equal([])
    const { rows } = await database.sql.query<{ started_at: string; file: string }>('select started_at, file from cordon.backups order by id')
    const starts = rows.map((row) => Number(row.started_at))
    for (const [at, start] of starts.entries()) if (at > 0) expect(start - (starts[at - 1] ?? 0)).to.be.at.least(1000)
    const files = await readdir(directory)
    expect(files.filter((name) => /^scheduled-\w+\.backup$/.test(name)).toSorted()).to.deep.equal(
      rows.map(({ file }) => file.slice(directory.length + 1)).toSorted(),
    )
    expect(rows).to.have.length(2)
    expect(files).to.have.length(3)
    await restoreBackup({ dataDir: path, databaseUrl: (await server.database()).url }, rows[0]?.file ?? '')
  })

  it('that fail are a warning', async () => {
    await writeFile(join(path, 'file'), '')
    const { url } = await server.database()
    const warning = new Promise<string>((resolve) => {
      const logger = {
        debug: () => undefined,
        info: () => undefined,
        error: () => undefined,
        warn: (_: unknown, message: string) => resolve(message),
      }
      createPlatform({ databaseUrl: url, dataDir: path, logger, backup: { directory: join(path, 'file') } }).then(
        (platform) => opened.push(platform),
        (error: unknown) => resolve(String(error)),
      )
    })
    expect(await warning).to.match(/^Cannot make the backup: EEXIST.* \(there is no backup yet\)$/)
  })
})
