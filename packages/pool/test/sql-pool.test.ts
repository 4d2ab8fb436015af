import { expect } from 'chai'
import { createSqlPool, type SqlPool } from '@cordon/pool'
import { failureOf, startScratchServer } from './support/scratch.ts'

describe('sql pool', () => {
  let scratch: Awaited<ReturnType<typeof startScratchServer>>
  let pool: SqlPool

  before(async () => {
    scratch = await startScratchServer()
    pool = createSqlPool({ connection: scratch.server.connection, max: 3, acquireTimeoutMs: 400, queryTimeoutMs: 300, applicationName: 'test' })
  })
  after(async () => {
    await pool.close()
    await scratch.remove()
  })

  it('runs a statement with values', async () => {
    expect(await pool.query('SELECT $1::int AS a, $2::jsonb AS b', [5, { x: [1] }])).to.deep.equal({ rows: [{ a: 5, b: { x: [1] } }], rowCount: 1 })
  })

  it('runs several statements without values', async () => {
    const { rows } = await pool.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); SELECT * FROM t')
    expect(rows).to.deep.equal([{ id: 1 }])
  })

  it('commits a transaction, and rolls back one that fails', async () => {
    await pool.transaction(async (tx) => void (await tx.query('INSERT INTO t VALUES (2)')))
    const error = await failureOf(
      pool.transaction(async (tx) => {
        await tx.query('INSERT INTO t VALUES (3)')
        throw new Error('changed my mind')
      }),
    )
    expect(error.message).to.equal('changed my mind')
    expect((await pool.query('SELECT id FROM t ORDER BY id')).rows).to.deep.equal([{ id: 1 }, { id: 2 }])
  })

  it('says with which SQLSTATE and constraint a statement was refused', async () => {
    const error = await failureOf(pool.query('INSERT INTO t VALUES (1)'))
    expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
    expect(error.details).to.include({ sqlState: '23505', constraint: 't_pkey' })
  })

  it('stops a statement at its deadline', async () => {
    const error = await failureOf(pool.query('SELECT pg_sleep(60)'))
    expect(error.message).to.contain('longer than 300 ms')
    const { rows } = await pool.query(
      "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()",
    )
    expect(rows).to.deep.equal([])
  })

  it('gives up waiting for a connection at the deadline, and is whole afterwards', async () => {
    const { promise: held, resolve: release } = deferred()
    const holders = [1, 2, 3].map(() => pool.transaction(() => held))
    const error = await failureOf(pool.query('SELECT 1'))
    expect(error).to.include({ code: 'ACQUIRE_TIMEOUT' })
    release()
    await Promise.all(holders)
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')))
    expect(pool.stats()).to.include({ total: 3, idle: 3, waiting: 0 })
  })

  it('says what is wrong when no server is there', async () => {
    const dead = createSqlPool({
      connection: { host: '127.0.0.1', port: 1, user: 'u', database: 'd' },
      max: 1,
      acquireTimeoutMs: 200,
      queryTimeoutMs: 200,
      applicationName: 'test',
    })
    const error = await failureOf(dead.query('SELECT 1'))
    expect(error).to.include({ code: 'STORE_UNAVAILABLE' })
    expect(error.message).to.contain('ECONNREFUSED')
    await dead.close()
  })

  it('is CLOSED after close', async () => {
    const other = createSqlPool({
      connection: scratch.server.connection,
      max: 1,
      acquireTimeoutMs: 400,
      queryTimeoutMs: 300,
      applicationName: 'test',
    })
    await other.query('SELECT 1')
    await other.close()
    await other.close()
    expect(await failureOf(other.query('SELECT 1'))).to.include({ code: 'CLOSED' })
  })

  it('breaks what runs when it is destroyed', async () => {
    const other = createSqlPool({
      connection: scratch.server.connection,
      max: 1,
      acquireTimeoutMs: 400,
      queryTimeoutMs: 60_000,
      applicationName: 'test',
    })
    const started = deferred()
    const running = failureOf(
      other.transaction(async (tx) => {
        started.resolve()
        await tx.query('SELECT pg_sleep(60)')
      }),
    )
    await started.promise
    await other.destroy()
    expect(await running).to.include({ code: 'STORE_UNAVAILABLE' })
  })
})

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((given) => {
    resolve = given
  })
  return { promise, resolve }
}
