import type { DatabaseSession } from '@cordon/contracts'
import {
  createFunctionDatabase,
  createSqlPool,
  type ExportedItem,
  type FunctionDatabaseOptions,
  type PooledFunctionDatabase,
  type SqlPool,
} from '@cordon/pool'
import { expect } from 'chai'
import { startByUrl, startEmbedded, type Backend } from './support/backends.ts'
import { failureOf } from './support/scratch.ts'

const backends = { 'an embedded server': startEmbedded, 'a server behind a URL': startByUrl }
const tenancies = ['schema', 'database'] as const

for (const [name, start] of Object.entries(backends)) {
  describe(`tenants of the function database on ${name}`, () => {
    let backend: Backend
    const open: { close(): Promise<void> }[] = []

    before(async () => {
      backend = await start()
    })
    afterEach(async () => {
      await Promise.all(open.splice(0).map((one) => one.close()))
    })
    after(() => backend.remove())

    function create(options: Partial<FunctionDatabaseOptions> = {}): PooledFunctionDatabase {
      const database = createFunctionDatabase({ admin: backend.admin, ...options })
      open.push(database)
      return database
    }

    function observe(database: string): SqlPool {
      const shared = { max: 1, acquireTimeoutMs: 5000, queryTimeoutMs: 5000, applicationName: 'observer' }
      const pool = createSqlPool({ connection: { ...backend.observer, database }, ...shared })
      open.push(pool)
      return pool
    }

    async function ask(database: PooledFunctionDatabase, tenant: string, text: string): Promise<readonly (readonly unknown[])[]> {
      const session = openSession(database, tenant)
      try {
        return (await session.query(text, [])).rows
      } finally {
        await session.end()
      }
    }

    function openSession(database: PooledFunctionDatabase, tenant: string): DatabaseSession {
      return database.session(tenant, Date.now() + 60_000)
    }

    for (const tenancy of tenancies) {
      describe(`tenancy "${tenancy}"`, () => {
        it('gives each tenant tables that no other reaches', async () => {
          const database = create({ tenancy, database: `apart_${tenancy}` })
          await ask(database, 'one', 'CREATE TABLE canary AS SELECT 1 AS n')
          const [home] = await ask(database, 'one', 'SELECT current_database()::text, current_schema()::text')
          const [other] = await ask(database, 'two', 'SELECT current_database()::text, current_schema()::text')
          expect(home?.[0] === other?.[0]).to.equal(tenancy === 'schema')
          expect(home?.[1]).not.to.equal(other?.[1])
          expect(await failureOf(ask(database, 'two', `SELECT * FROM ${String(home?.[1])}.canary`))).to.include({ code: 'QUERY_FAILED' })
          expect(await failureOf(ask(database, 'two', 'CREATE TABLE public.mine (n int)'))).to.include({ code: 'QUERY_FAILED' })
        })

        it('creates a tenant that several hosts ask for at once', async () => {
          const options = { tenancy, database: `at_once_${tenancy}` }
          const hosts = [create(options), create(options), create(options)]
          const roles = await Promise.all(hosts.map((host) => ask(host, 'shared', 'SELECT current_user::text')))
          expect(new Set(roles.map((rows) => rows[0]?.[0])).size).to.equal(1)
        })

        it('leaves nothing of a tenant that is removed, whoever is connected', async () => {
          const database = create({ tenancy, database: `removed_${tenancy}` })
          const otherHost = create({ tenancy, database: `removed_${tenancy}` })
          const [row] = await ask(database, 'gone', 'SELECT current_user::text, current_database()::text')
          const [role, home] = [String(row?.[0]), String(row?.[1])]
          for (const text of [
            'CREATE TABLE a (id serial PRIMARY KEY, data text)',
            'CREATE VIEW v AS SELECT * FROM a',
            "CREATE TYPE mood AS ENUM ('ok')",
            'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
            // More than are dropped at once; a database goes as a whole.
            `DO $$ BEGIN FOR n IN 1..${tenancy === 'schema' ? 210 : 5} LOOP EXECUTE format($f$CREATE TABLE many_%s (n int)$f$, n); END LOOP; END $$`,
            'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC',
          ])
            await ask(database, 'gone', text)
          await ask(database, 'kept', 'CREATE TABLE canary AS SELECT 1 AS n')
          const busy = openSession(otherHost, 'gone')
          const running = failureOf(busy.query('SELECT pg_sleep(60)', [], await busy.begin()))
          await database.remove('gone')
          expect(await running).to.include({ code: 'STORE_UNAVAILABLE' })
          await busy.end()
          const admin = observe(`removed_${tenancy}`)
          const left = await admin.query(
            `SELECT 'role' AS what FROM pg_roles WHERE rolname = $1 UNION ALL SELECT 'schema' FROM pg_namespace WHERE nspname = $1
             UNION ALL SELECT 'database' FROM pg_database WHERE datname = $1 UNION ALL SELECT 'backend' FROM pg_stat_activity WHERE usename = $1
             UNION ALL SELECT 'row' FROM cordon.cordon_tenants WHERE tenant = 'gone' OR role = $1
             UNION ALL SELECT 'table' FROM pg_class WHERE relname LIKE 'many\\_%' UNION ALL SELECT 'type' FROM pg_type WHERE typname = 'mood'
             UNION ALL SELECT 'default privileges' FROM pg_default_acl`,
            [role],
          )
          expect(left.rows).to.deep.equal([])
          expect(home === role).to.equal(tenancy === 'database')
          expect(await ask(database, 'kept', 'SELECT n FROM canary')).to.have.length(1)
          // Removing what is not there is no error, and the name can be used again.
          await database.remove('gone')
          expect(await ask(database, 'gone', "SELECT count(*)::int FROM pg_tables WHERE tablename = 'a'")).to.have.length(1)
        })
      })
    }

    it('exports everything of one tenant and nothing of another', async () => {
      const database = create({ database: 'exported' })
      for (const text of [
        "CREATE TYPE mood AS ENUM ('calm', 'it''s')",
        'CREATE TABLE "Odd ""name" (id serial PRIMARY KEY, "the mood" mood DEFAULT \'calm\', data bytea, CHECK (id > 0))',
        'INSERT INTO "Odd ""name" (data) SELECT \'\\x00ff\' FROM generate_series(1, 2500)',
        'CREATE VIEW v AS SELECT id FROM "Odd ""name"',
        'CREATE FUNCTION spy() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION $m$it ran$m$; END $$',
        'CREATE TABLE parted (n int) PARTITION BY LIST (n)',
        'CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1)',
        'INSERT INTO parted VALUES (1)',
        'CREATE TABLE empty ()',
      ])
        await ask(database, 'one', text)
      await ask(database, 'two', "CREATE TABLE canary AS SELECT 'of two'::text AS secret")
      const items: ExportedItem[] = []
      for await (const item of database.export('one')) items.push(item)
      const tables = items.flatMap((item) => (item.kind === 'table' ? [item] : []))
      expect(tables.map(({ name }) => name)).to.deep.equal(['Odd "name', 'empty', 'parted', 'parted_1'])
      expect(tables[0]?.columns).to.deep.include({ name: 'the mood', type: 'mood', isNullable: true, default: "'calm'::mood" })
      const rows = items.flatMap((item) => (item.kind === 'rows' && item.table === 'Odd "name' ? [...item.rows] : []))
      expect(rows).to.have.length(2500)
      expect(rows[0]).to.deep.equal(['1', 'calm', '\\x00ff'])
      expect(items.filter((item) => item.kind === 'rows' && item.table === 'parted_1')).to.have.length(1)
      expect(items).to.deep.include({ kind: 'sequence', name: 'Odd "name_id_seq', lastValue: '2500' })
      expect(items).to.deep.include({ kind: 'definition', of: 'type', table: null, name: 'mood', sql: "ENUM ('calm', 'it''s')" })
      const kinds = new Set(items.flatMap((item) => (item.kind === 'definition' ? [item.of] : [])))
      expect([...kinds].toSorted()).to.deep.equal(['constraint', 'function', 'index', 'type', 'view'])
      expect(JSON.stringify(items)).not.to.contain('of two')
      for await (const item of database.export('nobody')) expect.fail(`nobody has ${item.kind}`)
    })

    it('exports more than a function may read at once', async () => {
      const database = create({ database: 'exported_large', resultRows: 10, resultBytes: 1_000_000 })
      await ask(database, 'one', "CREATE TABLE large AS SELECT repeat('x', 200000) AS text FROM generate_series(1, 50)")
      let length = 0
      for await (const item of database.export('one')) if (item.kind === 'rows') length += item.rows.flat().join('').length
      expect(length).to.equal(50 * 200_000)
    })

    it('gives tenants passwords that take few rounds to check, because nobody can guess them', async () => {
      const database = create({ database: 'rounds' })
      const [role] = await ask(database, 'one', 'SELECT current_user::text')
      const { rows } = await observe('rounds').query<{ verifier: string }>('SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = $1', [
        role?.[0],
      ])
      expect(rows[0]?.verifier).to.match(/^SCRAM-SHA-256\$1000:/)
    })

    it('leaves a tenant where it is when the option changes', async () => {
      const before = create({ tenancy: 'schema', database: 'moved' })
      await ask(before, 'one', 'CREATE TABLE canary AS SELECT 1 AS n')
      const after = create({ tenancy: 'database', database: 'moved' })
      expect(await ask(after, 'one', 'SELECT n FROM canary')).to.have.length(1)
      expect(await ask(after, 'two', 'SELECT current_database()::text')).not.to.deep.equal([['moved']])
    })

    it('serves many tenants over few connections, and never has more', async () => {
      const database = create({ connections: 6, tenantConnections: 3, database: 'many' })
      const observer = observe('many')
      const tenants = Array.from({ length: 16 }, (_, index) => `tenant${index}`)
      for (const tenant of tenants) await ask(database, tenant, 'CREATE TABLE own AS SELECT current_user::text AS me')
      await Promise.all(
        Array.from({ length: 6 }, (_, offset) =>
          Promise.all(
            tenants.map(async (tenant, index) => {
              const [row] = await ask(database, tenant, `SELECT me = current_user, ${index * offset} FROM own`)
              expect(row?.[0]).to.equal('t')
            }),
          ),
        ),
      )
      const { rows } = await observer.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'cordon function' AND datname = 'many'",
      )
      expect(rows[0]?.n).to.be.within(1, 6)
      const { total, idle, waiting } = database.stats()
      expect({ idle, waiting }).to.deep.equal({ idle: total, waiting: 0 })
    })

    it('says ACQUIRE_TIMEOUT when other tenants hold all connections, and goes on when they let go', async () => {
      const database = create({ connections: 2, acquireTimeoutMs: 200, database: 'held' })
      const [one, two] = [openSession(database, 'one'), openSession(database, 'two')]
      await one.begin()
      await two.begin()
      const error = await failureOf(ask(database, 'three', 'SELECT 1'))
      expect(error).to.include({ code: 'ACQUIRE_TIMEOUT' })
      await one.end()
      expect(await ask(database, 'three', 'SELECT 1')).to.have.length(1)
      expect(await ask(database, 'one', 'SELECT 1')).to.have.length(1)
      await two.end()
    })
  })
}
