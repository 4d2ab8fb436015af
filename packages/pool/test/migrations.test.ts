import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { PlatformError, type MigrationOutcome } from '@cordon/contracts'
import { createFunctionDatabase, createSqlPool, type PooledFunctionDatabase, type SqlPool } from '@cordon/pool'
import { startByUrl, startEmbedded, type Backend } from './support/backends.ts'

const backends = { 'an embedded server': startEmbedded, 'a server behind a URL': startByUrl }

/** A loop that survives being cancelled and the time limit of the server. */
const endless =
  'set statement_timeout = 0; DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$'

/** SQL that wants more than a migration may, and what is said of it. `VICTIM` stands for the schema and role of another tenant. */
const hostile: readonly (readonly [string, RegExp])[] = [
  ['COMMIT', /begins or ends a transaction/],
  ['com/**/mit', /syntax error/],
  ['/* */ COMMIT AND CHAIN', /begins or ends a transaction/],
  ['ROLLBACK; BEGIN', /begins or ends a transaction/],
  ['END', /begins or ends a transaction/],
  ['ABORT', /begins or ends a transaction/],
  ['START TRANSACTION', /begins or ends a transaction/],
  ['SAVEPOINT a', /begins or ends a transaction/],
  ["PREPARE TRANSACTION 'a'", /begins or ends a transaction/],
  ['DO $$ BEGIN COMMIT; END $$', /begins or ends a transaction/],
  ["DO $$ BEGIN EXECUTE 'COMMIT'; END $$", /begins or ends a transaction/],
  ['CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; END $$; CALL p()', /begins or ends a transaction/],
  ['$i$; END$o$; COMMIT; --', /syntax error|unterminated/],
  ['/* never closed', /unterminated/],
  ["select 'never closed", /unterminated/],
  ['SET ROLE "VICTIM"', /permission denied/],
  ['RESET ROLE; SELECT * FROM "VICTIM".canary', /permission denied/],
  ['SET SESSION AUTHORIZATION "VICTIM"', /permission denied/],
  ['SET SESSION AUTHORIZATION DEFAULT; SELECT * FROM cordon.cordon_migrations', /permission denied/],
  ['DELETE FROM cordon.cordon_migrations', /permission denied/],
  ["CREATE TABLE t (a text); COPY t FROM PROGRAM 'id'", /permission denied/],
  ["CREATE TABLE t (a text); COPY t FROM '/etc/passwd'", /permission denied/],
  ['CREATE TABLE t (a text); COPY t FROM STDIN;\n1\n\\.\n', /syntax error|copies from or to a client/],
  ['CREATE TABLE t (a text); COPY t FROM STDIN', /copies from or to a client/],
  ['\\! id', /syntax error/],
  ['SELECT $1', /parameter/],
  ['VACUUM', /VACUUM/],
  ['CREATE TABLE t (a text); CREATE INDEX CONCURRENTLY ON t (a)', /CONCURRENTLY/],
  ['SELECT 1 AS a INTO t', /Use CREATE TABLE/],
  ['CREATE EXTENSION dblink', /permission denied|not available/],
  ['CREATE SCHEMA mine', /permission denied/],
  [
    `CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT alive FROM "VICTIM".canary); END'; SELECT f()`,
    /permission denied/,
  ],
  ["DO $$ BEGIN RAISE EXCEPTION '%', repeat('x', 100000); END $$", /^x{1000}$/],
  [endless, /took longer than 1500 ms/],
]

for (const [where, start] of Object.entries(backends)) {
  describe(`migrations on ${where}`, function () {
    this.timeout(30_000)
    let backend: Backend
    let database: PooledFunctionDatabase
    let observer: SqlPool

    before(async () => {
      backend = await start()
      database = createFunctionDatabase({ admin: backend.admin, migrationTimeoutMs: 1500 })
      observer = createSqlPool({
        connection: { ...backend.observer, database: `${backend.admin.database}_functions` },
        max: 1,
        acquireTimeoutMs: 5000,
        queryTimeoutMs: 5000,
        applicationName: 'observer',
      })
    })
    after(async () => {
      await database.close()
      await observer.close()
      await backend.remove()
    })

    function migrate(tenant: string, ...texts: string[]): Promise<MigrationOutcome> {
      const migrations = texts.map((text, index) => ({ name: `${index + 1}.sql`, text, sha256: createHash('sha256').update(text).digest('hex') }))
      return database.migrate(tenant, { function: 'notes', migrations })
    }

    async function ask(tenant: string, text: string): Promise<unknown> {
      const session = database.session(tenant, Date.now() + 10_000)
      try {
        return (await session.query(text, [])).rows
      } finally {
        await session.end()
      }
    }

    it('cannot leave their transaction, their tenant or their time', async () => {
      await migrate('victim', 'create table canary as select 1 as alive; grant all on canary to public')
      const { rows } = await observer.query<{ role: string }>("select role from cordon.cordon_tenants where tenant = 'victim'")
      for (const [text, expected] of hostile) {
        const outcome = await migrate('hostile', 'create table trace ()', text.replaceAll('VICTIM', rows[0]?.role ?? ''))
        expect(outcome, text).to.include({ kind: 'refused', reason: 'failed', name: '2.sql' })
        if (outcome.kind === 'refused') expect(outcome.message, text).to.match(expected)
      }
      expect((await observer.query("select 1 from pg_class where relname = 'trace'")).rows).to.deep.equal([])
      expect((await observer.query("select 1 from cordon.cordon_migrations where tenant = 'hostile'")).rows).to.deep.equal([])
      expect(await ask('victim', 'select alive from canary')).to.deep.equal([['1']])
      const left = await observer.query("select query from pg_stat_activity where application_name = 'cordon migration' and state = 'active'")
      expect(left.rows).to.deep.equal([])
    })

    it('leave no settings behind, neither for the next file nor for functions', async () => {
      const first = "set search_path = ''; set lock_timeout = 1; set timezone = 'Asia/Tokyo'"
      const outcome = await migrate('settings', first, "create table here as select current_setting('timezone') as zone")
      expect(outcome).to.deep.equal({ kind: 'applied', applied: ['1.sql', '2.sql'], removed: [] })
      expect(await ask('settings', "select zone, current_setting('timezone') from here")).to.deep.equal([['UTC', 'UTC']])
    })

    it('say where the error is, in characters of the file', async () => {
      expect(await migrate('places', "select '💥';\n insrt")).to.deep.include({ name: '1.sql', position: 14 })
      expect(await migrate('places', "select 'é', nothing from pg_class")).to.deep.include({ position: 13 })
      expect(await migrate('places', "DO $$ BEGIN EXECUTE 'insrt'; END $$")).to.deep.include({ position: undefined })
    })

    it('go on after a tenant took the right to sign in from itself', async () => {
      await migrate('locked', 'select 1')
      const { rows } = await observer.query<{ role: string }>("select role from cordon.cordon_tenants where tenant = 'locked'")
      await ask('locked', `alter role "${rows[0]?.role ?? ''}" password 'changed'`)
      expect(await migrate('locked', 'select 1', 'select 2')).to.deep.equal({ kind: 'applied', applied: ['2.sql'], removed: [] })
    })

    it('work in a database of the tenant, whose notes go with it', async () => {
      const own = createFunctionDatabase({ admin: backend.admin, tenancy: 'database' })
      try {
        const request = { function: 'notes', migrations: [{ name: '1.sql', text: 'create table here ()', sha256: 'a' }] }
        const applied = { kind: 'applied', applied: ['1.sql'], removed: [] }
        expect(await own.migrate('owner', request)).to.deep.equal(applied)
        expect(await own.migrate('owner', request)).to.deep.equal({ ...applied, applied: [] })
        await own.remove('owner')
        expect(await own.migrate('owner', request)).to.deep.equal(applied)
        await own.remove('owner')
      } finally {
        await own.close()
      }
    })

    it('leave nothing when their host is destroyed meanwhile', async () => {
      const host = createFunctionDatabase({ admin: backend.admin })
      const text = 'create table trace (); select pg_sleep(60)'
      const running = host.migrate('destroyed', { function: 'notes', migrations: [{ name: '1.sql', text, sha256: 'a' }] })
      const failed = running.then(
        () => 'applied',
        (error: unknown) => (error instanceof PlatformError ? error.code : String(error)),
      )
      const asleep = "select 1 from pg_stat_activity where application_name = 'cordon migration' and wait_event = 'PgSleep'"
      while ((await observer.query(asleep)).rows.length === 0);
      await host.destroy()
      expect(await failed).to.be.oneOf(['STORE_UNAVAILABLE', 'CLOSED'])
      expect(await migrate('destroyed', 'create table trace ()')).to.include({ kind: 'applied' })
    })
  })
}
