import { setImmediate as turn } from 'node:timers/promises'
import { PlatformError, type FunctionDatabaseStats } from '@cordon/contracts'
import { createFunctionDatabase, createSqlPool, type PooledFunctionDatabase, type SqlPool } from '@cordon/pool'
import { expect } from 'chai'
import { startEmbedded, type Backend } from './support/backends.ts'
import { readAttacks, type Attack } from './support/hostile-sql.ts'

const attacks = readAttacks()
const secret = 'the canary of the other tenant'
const busy = "SELECT query FROM pg_stat_activity WHERE application_name = 'cordon function' AND (state <> 'idle' OR wait_event_type = 'Lock')"
/** Longest time for one statement, in milliseconds. */
const queryTimeoutMs = 150

function isWhole({ total, idle, waiting }: FunctionDatabaseStats): boolean {
  return idle === total && waiting === 0
}

describe('hostile SQL', () => {
  let backend: Backend

  before(async () => {
    backend = await startEmbedded()
  })
  after(() => backend.remove())

  for (const tenancy of ['schema', 'database'] as const) {
    describe(`tenancy "${tenancy}"`, () => {
      let database: PooledFunctionDatabase
      let observer: SqlPool
      let names: Readonly<Record<string, string>>

      before(async () => {
        database = createFunctionDatabase({
          admin: backend.admin,
          tenancy,
          database: `hostile_${tenancy}`,
          tenantConnections: 3,
          acquireTimeoutMs: 300,
          queryTimeoutMs,
          resultRows: 10_000,
          resultBytes: 1_000_000,
        })
        const victim = await ask('victim', [`CREATE TABLE canary AS SELECT 1 AS n, '${secret}'::text AS secret`])
        await ask('victim', ['ALTER TABLE canary ADD PRIMARY KEY (n)'])
        await ask('victim', ['ANALYZE canary'])
        expect(victim.failure).to.equal(undefined)
        const [[role, home]] = (await ask('victim', ['SELECT current_user::text, current_database()::text'])).rows as [[string, string]]
        const [[own]] = (await ask('attacker', ['SELECT current_user::text'])).rows as [[string]]
        await ask('attacker', ['CREATE TABLE canary (n int, secret text)'])
        names = { victim: role, home, own, admin: backend.admin.user }
        observer = createSqlPool({
          connection: { ...backend.observer, database: home },
          max: 1,
          acquireTimeoutMs: 5000,
          queryTimeoutMs: 5000,
          applicationName: 'observer',
        })
      })
      after(async () => {
        await database.close()
        await observer.close()
      })

      /** Runs one statement alone, several in a transaction; gives all rows, or what went wrong. */
      async function ask(tenant: string, statements: readonly string[]): Promise<{ rows: unknown[]; failure?: unknown }> {
        const session = database.session(tenant, Date.now() + 60_000)
        const rows: unknown[] = []
        try {
          const transaction = statements.length > 1 ? await session.begin() : undefined
          for (const text of statements) rows.push(...(await session.query(text, [], transaction)).rows)
          if (transaction !== undefined) await session.commit(transaction)
          return { rows }
        } catch (failure) {
          return { rows, failure }
        } finally {
          await session.end()
        }
      }

      async function run({ statements, times }: Attack): Promise<void> {
        const texts = statements.map((text) => text.replace(/\{(victim|home|own|admin)\}/g, (_, name: string) => names[name] ?? ''))
        const results = await Promise.all(Array.from({ length: times }, () => ask('attacker', texts)))
        for (const { rows, failure } of results) {
          expect(JSON.stringify(rows)).not.to.contain(secret)
          if (failure === undefined) continue
          expect(failure).to.be.instanceOf(PlatformError)
          if (failure instanceof PlatformError) {
            expect(failure.code).to.be.oneOf(['QUERY_FAILED', 'QUERY_TIMEOUT', 'ACQUIRE_TIMEOUT', 'STORE_UNAVAILABLE'])
            expect(failure.message + JSON.stringify(failure.details)).not.to.contain(secret)
          }
        }
      }

      async function expectUnharmed(): Promise<void> {
        // Connections for which nobody waits any more may still be on their way.
        while (!isWhole(database.stats())) await turn()
        const { rows } = await observer.query(`SELECT n, secret FROM "${names['victim']}".canary`)
        expect(rows, 'the canary').to.deep.equal([{ n: 1, secret }])
        // The server may still be unwinding what was terminated; when something runs on, the time limit of the test says so.
        while ((await observer.query(busy)).rowCount > 0);
        const left = await observer.query(
          "SELECT gid AS what FROM pg_prepared_xacts UNION ALL SELECT locktype FROM pg_locks WHERE locktype = 'advisory'",
        )
        expect(left.rows, 'nothing is held').to.deep.equal([])
        expect((await ask('victim', ['SELECT secret FROM canary'])).rows).to.deep.equal([[secret]])
        expect((await ask('attacker', ['SELECT count(*) FROM canary'])).failure).to.equal(undefined)
      }

      it('has at least sixty attacks with names of their own', () => {
        expect(new Set(attacks.map(({ name }) => name)).size).to.equal(attacks.length)
        expect(attacks.length).to.be.at.least(60)
      })

      for (const attack of attacks) {
        it(`survives: ${attack.name}`, async () => {
          await run(attack)
          await expectUnharmed()
        })
      }
    })
  }
})
