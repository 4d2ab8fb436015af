import type { DatabaseSession, SlowQuery } from '@cordon/contracts'
import { createFunctionDatabase, type FunctionDatabaseOptions, type PooledFunctionDatabase } from '@cordon/pool'
import { expect } from 'chai'
import { startEmbedded, type Backend } from './support/backends.ts'
import { failureOf } from './support/scratch.ts'

describe('database session', () => {
  let backend: Backend
  let database: PooledFunctionDatabase
  const databases: PooledFunctionDatabase[] = []
  const sessions: DatabaseSession[] = []

  function create(options: Partial<FunctionDatabaseOptions> = {}): PooledFunctionDatabase {
    const created = createFunctionDatabase({ admin: backend.admin, ...options })
    databases.push(created)
    return created
  }

  function open(from = database): DatabaseSession {
    const session = from.session('alpha', Date.now() + 60_000, { function: 'f', version: 'v_1', invocationId: 'i_1' })
    sessions.push(session)
    return session
  }

  async function count(where: string): Promise<number> {
    return Number((await open().query(`SELECT count(*) FROM notes WHERE ${where}`, [])).rows[0]?.[0])
  }

  before(async () => {
    backend = await startEmbedded()
    database = create({ queryTimeoutMs: 400 })
    await open().query('CREATE TABLE notes (id int PRIMARY KEY)', [])
  })
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.end()))
    for (const one of databases) {
      const { total, idle, waiting } = one.stats()
      expect({ idle, waiting }, 'the pool is whole').to.deep.equal({ idle: total, waiting: 0 })
    }
  })
  after(async () => {
    await Promise.all(databases.map((one) => one.close()))
    await backend.remove()
  })

  describe('batch', () => {
    it('gives one result per statement, in order', async () => {
      const results = await open().batch([
        { text: 'INSERT INTO notes VALUES ($1), ($2)', values: [1, 2] },
        { text: '-- nothing', values: [] },
        { text: 'SELECT id FROM notes ORDER BY id', values: [] },
        { text: 'SELECT $1::text AS word, 1 AS n', values: ['x'] },
      ])
      expect(results.map(({ rowCount }) => rowCount)).to.deep.equal([2, 0, 2, 1])
      expect(results.map(({ fields }) => fields.map(({ name }) => name))).to.deep.equal([[], [], ['id'], ['word', 'n']])
      expect(results[2]?.rows).to.deep.equal([['1'], ['2']])
      expect(await open().batch([])).to.deep.equal([])
    })

    it('is one transaction: all take effect, or none', async () => {
      const error = await failureOf(
        open().batch([
          { text: 'INSERT INTO notes VALUES (10)', values: [] },
          { text: 'INSERT INTO notes VALUES (10)', values: [] },
          { text: 'INSERT INTO notes VALUES (11)', values: [] },
        ]),
      )
      expect(error.details).to.include({ sqlState: '23505' })
      expect(await count('id >= 10')).to.equal(0)
    })

    it('belongs to the transaction it is run in', async () => {
      const session = open()
      const transaction = await session.begin()
      await session.batch([{ text: 'INSERT INTO notes VALUES (20)', values: [] }], transaction)
      await session.rollback(transaction)
      expect(await count('id = 20')).to.equal(0)
    })

    it('refuses statements that begin or end transactions', async () => {
      for (const control of ['COMMIT', 'ROLLBACK', 'BEGIN', 'START TRANSACTION', 'END', 'ABORT']) {
        const error = await failureOf(
          open().batch([
            { text: 'SELECT 1', values: [] },
            { text: control, values: [] },
          ]),
        )
        expect(error.details?.['sqlState'], control).to.match(/^25/)
      }
      const session = open()
      const transaction = await session.begin()
      const both = ['COMMIT', 'BEGIN'].map((text) => ({ text, values: [] }))
      expect((await failureOf(session.batch(both, transaction))).message).to.contain('a query ended it')
    })

    it('is stopped at its deadline as one, and refuses COPY FROM STDIN anywhere in it', async () => {
      const error = await failureOf(open().batch(Array.from({ length: 10 }, () => ({ text: 'SELECT pg_sleep(0.1)', values: [] }))))
      expect(error).to.include({ code: 'QUERY_TIMEOUT' })
      const copied = await failureOf(open().batch(['SELECT 1', 'COPY notes FROM STDIN', 'SELECT 2'].map((text) => ({ text, values: [] }))))
      expect(copied.message).to.contain('COPY FROM STDIN')
      expect((await open().query('SELECT 3', [])).rows).to.deep.equal([['3']])
    })
  })

  describe('cursor', () => {
    const numbers = { text: 'SELECT generate_series(1, $1::int) AS n', values: [25] }

    it('gives the rows page by page and closes itself', async () => {
      const session = open()
      let page = await session.openCursor(numbers, 10)
      const seen = [...page.rows]
      while (!page.isLast) {
        page = await session.fetchCursor(page.cursor)
        seen.push(...page.rows)
      }
      expect(seen.map(([n]) => Number(n))).to.deep.equal(Array.from({ length: 25 }, (_, index) => index + 1))
      expect((await failureOf(session.fetchCursor(page.cursor))).message).to.contain('the cursor is closed')
      await session.closeCursor(page.cursor)
    })

    it('may only read, outside of a transaction', async () => {
      const error = await failureOf(open().openCursor({ text: 'INSERT INTO notes VALUES (30) RETURNING id', values: [] }, 10))
      expect(error.details).to.include({ sqlState: '25006' })
      expect(await count('id = 30')).to.equal(0)
    })

    it('sees what its transaction did, beside other statements and cursors', async () => {
      const session = open()
      const transaction = await session.begin()
      await session.query('INSERT INTO notes SELECT generate_series(40, 49)', [], transaction)
      const first = await session.openCursor({ text: 'SELECT id FROM notes WHERE id >= 40 ORDER BY id', values: [] }, 4, transaction)
      const second = await session.openCursor(numbers, 20, transaction)
      expect((await session.query('SELECT 1', [], transaction)).rowCount).to.equal(1)
      expect((await session.fetchCursor(first.cursor)).rows).to.deep.equal([['44'], ['45'], ['46'], ['47']])
      expect((await session.fetchCursor(second.cursor)).isLast).to.equal(true)
      await session.closeCursor(first.cursor)
      expect((await session.query("SELECT count(*) FROM pg_cursors WHERE name LIKE 'cordon%'", [], transaction)).rows).to.deep.equal([['0']])
      await session.rollback(transaction)
    })

    it('holds no more than a page of a result of any size, and lets go when it is closed in the middle', async () => {
      const session = open()
      const page = await session.openCursor({ text: "SELECT repeat('x', 1000), generate_series(1, 10000000)", values: [] }, 100)
      expect(page.rows).to.have.length(100)
      await session.closeCursor(page.cursor)
    })

    it('ends with its invocation', async () => {
      const session = open()
      const page = await session.openCursor(numbers, 10)
      await session.end()
      expect(await failureOf(session.fetchCursor(page.cursor))).to.include({ code: 'CANCELLED' })
    })

    it('says what went wrong in the middle, and is closed then', async () => {
      const session = open()
      const page = await session.openCursor({ text: 'SELECT 1 / (15 - n) FROM generate_series(1, 20) n', values: [] }, 10)
      expect((await failureOf(session.fetchCursor(page.cursor))).details).to.include({ sqlState: '22012' })
      expect((await failureOf(session.fetchCursor(page.cursor))).message).to.contain('the cursor is closed')
    })
  })

  describe('budgets of an invocation', () => {
    it('end its statements, rows and bytes, and leave the next invocation alone', async () => {
      const small = create({ statements: 3, rows: 50, bytes: 500_000, resultRows: 40, resultBytes: 400_000 })
      const many = open(small)
      for (let n = 0; n < 3; n++) await many.query('SELECT 1', [])
      const error = await failureOf(many.query('SELECT 1', []))
      expect(error).to.include({ code: 'QUERY_FAILED' })
      expect(error.details).to.deep.equal({ limit: 'statements', max: 3 })
      const rows = open(small)
      await rows.query('SELECT generate_series(1, 40)', [])
      expect((await failureOf(rows.query('SELECT generate_series(1, 40)', []))).message).to.contain('more than 10 rows')
      const bytes = open(small)
      await bytes.query("SELECT repeat('x', 350000)", [])
      expect((await failureOf(bytes.query("SELECT repeat('x', 350000)", []))).message).to.contain('bytes')
      const transaction = open(small)
      const number = await transaction.begin()
      await transaction.query('SELECT 1', [], number)
      await transaction.query('SELECT 1', [], number)
      await failureOf(transaction.query('SELECT 1', [], number))
      // What was done within the budget can still be committed.
      await transaction.commit(number)
      expect((await open(small).query('SELECT 1', [])).rowCount).to.equal(1)
    })
  })

  it('counts and times what each tenant does, and reports what is slow', async () => {
    const slow: SlowQuery[] = []
    const watched = create({ slowQueryMs: 50, queryTimeoutMs: 150, onSlowQuery: (query) => void slow.push(query) })
    await open(watched).query('SELECT 1', [])
    await open(watched).query('SELECT pg_sleep(0.06), $1::text', ['a secret'])
    await failureOf(open(watched).query('SELECT pg_sleep(60)', []))
    const stats = watched.stats()
    expect(stats).to.include({ max: 50, evicted: 0, queries: 3, cancelled: 1, terminated: 0 })
    expect(stats.query.count).to.equal(3)
    expect(stats.query.maxMs).to.be.at.least(150)
    expect(stats.acquire.count).to.equal(3)
    expect(stats.tenants['alpha']).to.deep.include({ queries: 3, cancelled: 1, query: stats.query })
    expect(slow.map(({ text, isSuccess }) => [text, isSuccess])).to.deep.equal([
      ['SELECT pg_sleep(0.06), $1::text', true],
      ['SELECT pg_sleep(60)', false],
    ])
    expect(slow[0]).to.include({ tenant: 'alpha', function: 'f', version: 'v_1', invocationId: 'i_1', rows: 1 })
    expect(slow[0]?.durationMs).to.be.at.least(50)
    expect(JSON.stringify(slow)).not.to.contain('a secret')
  })
})
