import { expect } from 'chai'
import { createFunctionDatabase, createSqlPool, type PooledFunctionDatabase, type SqlPool } from '@cordon/pool'
import { decodeResult, encodeResult, type DatabaseSession } from '@cordon/contracts'
import { startByUrl, startEmbedded, type Backend } from './support/backends.ts'
import { failureOf } from './support/scratch.ts'

const backends = { 'an embedded server': startEmbedded, 'a server behind a URL': startByUrl }

for (const [name, start] of Object.entries(backends)) {
  describe(`function database on ${name}`, () => {
    let backend: Backend
    let database: PooledFunctionDatabase
    let observer: SqlPool
    const sessions: DatabaseSession[] = []

    function open(tenant = 'alpha', remainingMs = 60_000): DatabaseSession {
      const session = database.session(tenant, Date.now() + remainingMs)
      sessions.push(session)
      return session
    }

    before(async () => {
      backend = await start()
      const shared = { acquireTimeoutMs: 500, queryTimeoutMs: 400 }
      database = createFunctionDatabase({ admin: backend.admin, ...shared, resultRows: 1000, resultBytes: 1_000_000 })
      observer = createSqlPool({
        connection: { ...backend.observer, database: `${backend.admin.database}_functions` },
        max: 1,
        acquireTimeoutMs: 5000,
        queryTimeoutMs: 5000,
        applicationName: 'observer',
      })
      await Promise.all([database.prepare('alpha'), database.prepare('beta'), database.prepare('alpha')])
      await open().query('CREATE TABLE notes (id int PRIMARY KEY, text text)', [])
    })
    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.end()))
      const { total, idle, waiting } = database.stats()
      expect({ idle, waiting }, 'the pool is whole').to.deep.equal({ idle: total, waiting: 0 })
      const { rows } = await observer.query("SELECT query FROM pg_stat_activity WHERE application_name = 'cordon function' AND state <> 'idle'")
      expect(rows, 'nothing runs on').to.deep.equal([])
    })
    after(async () => {
      await database.close()
      await observer.close()
      await backend.remove()
    })

    it('gives rows as arrays, values as the server writes them and sandboxes read them', async () => {
      const values = [1, ['x,"y"', null, 'NULL', '\\'], Buffer.from([0, 255]), '{"k":1}', '2020-01-02T03:04:05Z', '2020-01-02T03:04:05Z']
      const text = 'SELECT $1::int AS a, $2::text[] AS b, $3::bytea AS c, $4::jsonb AS d, $5::timestamptz AS e, $6::timestamp AS f, NULL AS a'
      const result = await open().query(text, values)
      expect(result.fields.map(({ name }) => name)).to.deep.equal(['a', 'b', 'c', 'd', 'e', 'f', 'a'])
      expect(result.rows[0]?.[0]).to.equal('1')
      const when = new Date('2020-01-02T03:04:05Z')
      const row = { a: null, b: values[1], c: values[2], d: { k: 1 }, e: when, f: when }
      expect(decodeResult(encodeResult(result))).to.deep.equal({ rows: [row], rowCount: 1 })
    })

    it('counts the rows that a statement changed', async () => {
      const session = open()
      expect(await session.query('INSERT INTO notes VALUES (1, $1), (2, $2)', ['one', 'two'])).to.deep.include({ fields: [], rows: [], rowCount: 2 })
      expect((await session.query('UPDATE notes SET text = text RETURNING id', [])).rowCount).to.equal(2)
      expect((await session.query('-- nothing', [])).rowCount).to.equal(0)
    })

    it('says what the server refused', async () => {
      const error = await failureOf(open().query('INSERT INTO notes VALUES (1)', []))
      expect(error).to.include({ code: 'QUERY_FAILED' })
      expect(error.message).to.contain('duplicate key value')
      expect(error.details).to.deep.equal({ sqlState: '23505', constraint: 'notes_pkey', table: 'notes' })
      const syntax = await failureOf(open().query('SELEC 1', []))
      expect(syntax.details).to.deep.equal({ sqlState: '42601', position: 1 })
    })

    it('refuses a second statement', async () => {
      expect((await failureOf(open().query('SELECT 1; DROP TABLE notes', []))).details).to.include({ sqlState: '42601' })
    })

    it('commits and rolls back', async () => {
      const session = open()
      const first = await session.begin()
      await session.query('INSERT INTO notes VALUES (10)', [], first)
      const second = await session.begin()
      await session.query('INSERT INTO notes VALUES (11)', [], second)
      expect((await session.query('SELECT id FROM notes WHERE id >= 10', [])).rows).to.deep.equal([])
      await session.commit(first)
      await session.rollback(second)
      await session.rollback(second)
      expect((await session.query('SELECT id FROM notes WHERE id >= 10', [])).rows).to.deep.equal([['10']])
      expect(await failureOf(session.query('SELECT 1', [], first))).to.include({ code: 'QUERY_FAILED' })
      expect(await failureOf(session.commit(99))).to.include({ code: 'QUERY_FAILED' })
    })

    it('does not claim to have committed what failed', async () => {
      const session = open()
      const transaction = await session.begin()
      await session.query('INSERT INTO notes VALUES (20)', [], transaction)
      await failureOf(session.query('SELECT 1 / 0', [], transaction))
      expect((await failureOf(session.commit(transaction))).details).to.include({ sqlState: '25P02' })
      await session.rollback(transaction)
      expect((await session.query('SELECT id FROM notes WHERE id = 20', [])).rows).to.deep.equal([])
    })

    it('runs the statements of a transaction one after the other', async () => {
      const session = open()
      const transaction = await session.begin()
      const results = await Promise.all([1, 2, 3].map((n) => session.query('SELECT $1::int', [n], transaction)))
      expect(results.map(({ rows }) => rows[0]?.[0])).to.deep.equal(['1', '2', '3'])
      await session.commit(transaction)
    })

    it('rolls back what is open when the invocation ends, in the middle of a statement too', async () => {
      const session = open()
      const idle = await session.begin()
      await session.query('INSERT INTO notes VALUES (30)', [], idle)
      const busy = await session.begin()
      await session.query('INSERT INTO notes VALUES (31)', [], busy)
      const running = failureOf(session.query('SELECT pg_sleep(60)', [], busy))
      const late = failureOf(session.begin())
      await session.end()
      expect(await running).to.include({ code: 'CANCELLED' })
      expect(await late).to.include({ code: 'CANCELLED' })
      expect(await failureOf(session.query('SELECT 1', []))).to.include({ code: 'CANCELLED' })
      expect((await open().query('SELECT id FROM notes WHERE id >= 30', [])).rows).to.deep.equal([])
    })

    const stubborn = 'DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(0.01); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$'

    it('stops a statement at its deadline: one that sleeps, one that computes, one that swallows the cancel', async () => {
      const statements = ['SELECT pg_sleep(60)', 'SELECT count(*) FROM generate_series(1, 1e12)', stubborn]
      const before = database.stats()
      const errors = await Promise.all(statements.map((text) => failureOf(open().query(text, []))))
      for (const error of errors) {
        expect(error).to.include({ code: 'QUERY_TIMEOUT' })
        expect(error.message).to.contain('400 ms')
      }
      const after = database.stats()
      expect(after.cancelled - before.cancelled).to.equal(3)
      // On a busy machine an obedient one may be too slow as well.
      expect(after.terminated - before.terminated).to.be.within(1, 3)
    })

    it('stops the statement that swallows cancels when its invocation ends', async () => {
      const session = open()
      const running = failureOf(session.query(stubborn, []))
      await open().query('SELECT 1', [])
      await session.end()
      expect(await running).to.include({ code: 'CANCELLED' })
    })

    it('ends a query 100 ms before its invocation', async () => {
      expect((await failureOf(open('alpha', 300).query('SELECT pg_sleep(60)', []))).message).to.match(/longer than (1\d\d|200) ms/)
      expect(await failureOf(open('alpha', 50).query('SELECT 1', []))).to.include({ code: 'QUERY_TIMEOUT' })
    })

    it('says ACQUIRE_TIMEOUT when all connections are taken', async () => {
      const session = open()
      for (let n = 0; n < 5; n++) await session.begin()
      expect(await failureOf(session.begin())).to.include({ code: 'ACQUIRE_TIMEOUT' })
      expect(await failureOf(open().query('SELECT 1', []))).to.include({ code: 'ACQUIRE_TIMEOUT' })
      // Another tenant has a pool of its own.
      expect((await open('beta').query('SELECT 1', [])).rowCount).to.equal(1)
    })

    it('does not warn about a function that asks much at once, or commits what just failed', async () => {
      const warnings: Error[] = []
      const onWarning = (warning: Error): void => {
        warnings.push(warning)
      }
      process.on('warning', onWarning)
      const session = open()
      await Promise.all(Array.from({ length: 20 }, () => session.query('SELECT 1', []).catch(() => undefined)))
      for (let n = 0; n < 20; n++) {
        const transaction = await session.begin()
        const failed = failureOf(session.query('SELECT 1 / 0', [], transaction))
        expect(await failureOf(session.commit(transaction))).to.include({ code: 'QUERY_FAILED' })
        await failed
      }
      process.off('warning', onWarning)
      expect(warnings).to.deep.equal([])
    })

    it('refuses results that are too large, without taking them in', async () => {
      const tooLarge = ['SELECT generate_series(1, 1000000)', "SELECT repeat('x', 5000000)", 'SELECT FROM generate_series(1, 5000)']
      for (const text of tooLarge) {
        const error = await failureOf(open().query(text, []))
        expect(error, text).to.include({ code: 'QUERY_FAILED' })
        expect(error.message).to.match(/its result has more than/)
      }
    })

    it('refuses COPY in both directions and a NUL in the text, and goes on', async () => {
      const session = open()
      expect((await failureOf(session.query('COPY notes FROM STDIN', []))).message).to.contain('COPY FROM STDIN is not available')
      expect((await session.query('COPY notes TO STDOUT', [])).rows).to.deep.equal([])
      expect(await failureOf(session.query('SELECT 1\0', []))).to.include({ code: 'QUERY_FAILED' })
      expect(
        await failureOf(
          session.query(
            'SELECT 1',
            Array.from({ length: 70_000 }, () => 1),
          ),
        ),
      ).to.include({ code: 'QUERY_FAILED' })
      expect(await failureOf(session.query("COPY (SELECT 1) TO PROGRAM 'true'", []))).to.include({ code: 'QUERY_FAILED' })
    })

    it('refuses transaction control in a query', async () => {
      const session = open()
      expect((await failureOf(session.query('BEGIN', []))).message).to.contain('left a transaction open')
      const transaction = await session.begin()
      expect((await failureOf(session.query('COMMIT', [], transaction))).message).to.contain('a query ended it')
      expect((await failureOf(session.query('SELECT 1', [], transaction))).message).to.contain('a query ended it')
    })

    it('carries no state of a connection to the next query', async () => {
      const leaks = [
        ["SET search_path = 'pg_catalog'", "SELECT current_setting('search_path') LIKE '%t\\_%'"],
        ["SELECT set_config('statement_timeout', '0', false)", "SELECT current_setting('statement_timeout') <> '0'"],
        ["SET datestyle = 'German'", "SELECT current_setting('datestyle') LIKE 'ISO%'"],
        ['PREPARE p AS SELECT 1', 'SELECT count(*) = 0 FROM pg_prepared_statements'],
        ['LISTEN somewhere', 'SELECT count(*) = 0 FROM pg_listening_channels()'],
        ["SET my.secret = 'x'", "SELECT coalesce(current_setting('my.secret', true), '') = ''"],
        ['DECLARE kept CURSOR WITH HOLD FOR SELECT generate_series(1, 3)', "SELECT count(*) = 0 FROM pg_cursors WHERE name = 'kept'"],
        // What makes it new again is a statement, too, and has only this long then.
        ["SELECT set_config('statement_timeout', '1', false)", "SELECT current_setting('statement_timeout') <> '1ms'"],
        // Fails, and keeps what it set before; leaves a transaction open.
        [
          "DO $$BEGIN PERFORM set_config('my.secret', 'x', false); COMMIT; RAISE 'no'; END$$",
          "SELECT coalesce(current_setting('my.secret', true), '') = ''",
        ],
        ['START TRANSACTION READ ONLY', "SELECT current_setting('transaction_read_only') = 'off'"],
      ]
      for (const [dirty, check] of leaks) {
        const session = open()
        await session.query(dirty ?? '', []).catch(() => undefined)
        await session.end()
        const fresh = open()
        const { rows } = await fresh.query(check ?? '', [])
        expect(rows, dirty).to.deep.equal([['t']])
      }
    })

    it('keeps tenants apart', async () => {
      const { rows } = await open('alpha').query('SELECT current_user, current_schema', [])
      const schema = String(rows[0]?.[1])
      expect(schema).to.match(/^t_[0-9a-f]{16}$/)
      const refused = [
        `SELECT * FROM ${schema}.notes`,
        `CREATE TABLE ${schema}.mine (id int)`,
        `SET ROLE ${schema}`,
        `SET SESSION AUTHORIZATION ${schema}`,
        'SET ROLE cordon',
        'SELECT * FROM cordon.cordon_tenants',
        'CREATE TABLE public.t (id int)',
        'CREATE SCHEMA mine',
        'CREATE TEMPORARY TABLE t (id int)',
        'CREATE DATABASE mine',
        'CREATE ROLE mine',
        'CREATE EXTENSION dblink',
        "SELECT pg_read_file('/etc/passwd')",
        "COPY notes FROM '/etc/passwd'",
        "SET temp_file_limit = '-1'",
        `ALTER ROLE ${schema} PASSWORD 'x'`,
        `DROP SCHEMA ${schema} CASCADE`,
        "ALTER SYSTEM SET work_mem = '1GB'",
        ...(backend.isSuperuser
          ? ['SELECT pg_advisory_lock(1)', 'SELECT lo_create(0)', "SELECT pg_notify('c', 'x')", 'SELECT pg_terminate_backend(pg_backend_pid())']
          : []),
      ]
      for (const text of refused) expect(await failureOf(open('beta').query(text, [])), text).to.include({ code: 'QUERY_FAILED' })
      const own = open('beta')
      const ownSchema = String((await own.query('SELECT current_schema', [])).rows[0]?.[0])
      expect((await failureOf(own.query(`DROP SCHEMA ${ownSchema} CASCADE`, []))).details).to.include({ sqlState: '42501' })
      await own.query('CREATE TABLE notes (id int)', [])
      expect((await own.query('SELECT * FROM notes', [])).rows).to.deep.equal([])
    })

    it('heals a tenant that shut itself out', async () => {
      await database.prepare('gamma')
      const session = open('gamma')
      const role = String((await session.query('SELECT current_user', [])).rows[0]?.[0])
      await session.query(`ALTER ROLE ${role} PASSWORD 'mine'`, [])
      await session.query('DROP OWNED BY current_user', [])
      // Its connections are cut, so that the next query has to sign in.
      await observer.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1', [role])
      expect((await open('gamma').query('CREATE TABLE again (id int)', [])).rowCount).to.equal(0)
    })

    it('finds the same schema again, from another host too', async () => {
      const other = createFunctionDatabase({ admin: backend.admin })
      const session = other.session('alpha', Date.now() + 60_000)
      expect(Number((await session.query('SELECT count(*)::int FROM notes', [])).rows[0]?.[0])).to.be.greaterThan(0)
      await session.end()
      await other.close()
      expect(await failureOf(other.session('alpha', Date.now() + 60_000).query('SELECT 1', []))).to.include({ code: 'CLOSED' })
    })

    it('refuses a result that is too large when all of it comes at once, too', async () => {
      const narrow = createFunctionDatabase({ admin: backend.admin, resultBytes: 1000 })
      const session = narrow.session('alpha', Date.now() + 60_000)
      const error = await failureOf(session.query("SELECT repeat('x', 5000)", []))
      expect(error).to.include({ code: 'QUERY_FAILED' })
      expect(error.message).to.contain('more than 1000 bytes')
      await session.end()
      await narrow.close()
    })

    it('survives a crowd', async () => {
      // With the usual time to wait for a connection: that of the others is short for the tests that exceed it.
      const other = createFunctionDatabase({ admin: backend.admin })
      await Promise.all(
        Array.from({ length: 60 }, async (_, n) => {
          const session = other.session(n % 2 === 0 ? 'alpha' : 'beta', Date.now() + 60_000)
          await session.query('SELECT $1::int', [n])
          await session.end()
        }),
      )
      const { total, idle, waiting } = other.stats()
      expect({ idle, waiting }).to.deep.equal({ idle: total, waiting: 0 })
      await other.close()
    })

    it('breaks what runs when it is destroyed', async () => {
      const other = createFunctionDatabase({ admin: backend.admin })
      const session = other.session('alpha', Date.now() + 60_000)
      await session.begin()
      const transaction = await session.begin()
      const running = failureOf(session.query('SELECT pg_sleep(60)', [], transaction))
      await other.destroy()
      expect(await running).to.include({ code: 'STORE_UNAVAILABLE' })
      await session.end()
      // Nobody waits for a server whose sockets were cut; it notices by itself.
      while ((await observer.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'cordon function' AND state <> 'idle'")).rowCount > 0);
    })
  })
}
