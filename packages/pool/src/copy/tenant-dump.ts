import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError } from '@cordon/contracts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { openCopyClient, type CopyClient } from './copy-client.ts'
import type { CopiedDatabase, CopiedMigration, CopiedTenant, CopyItem } from './copy-item.ts'
import { readTable } from './copy-rows.ts'
import { arrayOf, planSchema, type SchemaPlan } from './schema-plan.ts'
import { databaseLocale, extensionRows, misplacedExtensions, ownerless } from './schema-queries.ts'
import { ofTenant } from './tenant-error.ts'

/** The function database, as something to copy. */
export interface TenantDumpOptions {
  /** How the platform signs in. */
  readonly admin: SqlConnection
  /** Name of the database that holds the tenants' schemas. @default `<database of admin>_functions` */
  readonly database?: string | undefined
  /** Breaks off what is under way. */
  readonly signal?: AbortSignal | undefined
}

/** How often a tenant is looked at again whose tables change while they are looked at, and the pause between, in milliseconds. */
const attempts = 20
const pauseMs = 100
/** How often new tables are looked for before the look begins. */
const lockRounds = 10
/** Every name is written with its schema then. */
const plainPath = "search_path = ''"

/**
 * Everything that tenants have in the function database. Each tenant is seen as it was at one moment; nothing that a tenant wrote is run. While a
 * tenant is copied its tables cannot be altered or dropped.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
export async function* dumpTenants(options: TenantDumpOptions): AsyncGenerator<CopyItem | Uint8Array, void, undefined> {
  const shared = await openShared(options)
  if (shared === undefined) return
  try {
    const tenants = await listTenants(shared.client)
    yield* tenants
    const roles = tenants.map(({ role }) => role)
    yield { kind: 'database', role: null, ...(await aboutDatabase(shared.client)) }
    for (const tenant of tenants) if (!tenant.hasOwnDatabase) yield* dumpTenant(shared, shared, tenant, roles)
    for (const { role, ...tenant } of tenants) {
      if (!tenant.hasOwnDatabase) continue
      const own = await openDatabase({ ...options.admin, database: role }, options.signal)
      // It is made by the tenant's first query.
      if (own === undefined) continue
      try {
        yield { kind: 'database', role, ...(await aboutDatabase(own.client)) }
        yield* dumpTenant(own, shared, { ...tenant, role }, roles)
      } finally {
        await closePair(own)
      }
    }
  } finally {
    await closePair(shared)
  }
}

/**
 * What a copy could not make anew, by name; nothing is left out of a copy without a word.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
export async function findUncopied(options: TenantDumpOptions): Promise<readonly string[]> {
  const shared = await openShared(options)
  if (shared === undefined) return []
  const problems: string[] = []
  try {
    const tenants = await listTenants(shared.client)
    const roles = tenants.map(({ role }) => role)
    for (const [name] of await shared.client.ask(ownerless, [arrayOf(roles)])) problems.push(`${name}: it belongs to no tenant`)
    problems.push(...(await misplaced(shared.client)))
    for (const { tenant, role, hasOwnDatabase } of tenants) {
      const pair: Pair | undefined = hasOwnDatabase ? await openDatabase({ ...options.admin, database: role }, options.signal) : shared
      if (pair === undefined) continue
      try {
        if (pair !== shared) {
          for (const [name] of await pair.client.ask(ownerless, [arrayOf([role])]))
            problems.push(`tenant "${tenant}": ${name}: it is not the tenant's`)
          problems.push(...(await misplaced(pair.client)))
        }
        const plan = await attempt(pair, role, () => planLocked(pair, role, roles))
        problems.push(...plan.problems.map((problem) => `tenant "${tenant}": ${problem}`))
        await release(pair)
      } catch (error) {
        throw ofTenant(error, tenant)
      } finally {
        if (pair !== shared) await closePair(pair)
      }
    }
  } finally {
    await closePair(shared)
  }
  return problems
}

async function misplaced(client: CopyClient): Promise<readonly string[]> {
  const rows = await client.ask(misplacedExtensions)
  return rows.map(([name, schema]) => `${name}: it lies in schema ${schema}. Move it: ALTER EXTENSION … SET SCHEMA public`)
}

async function openShared({ admin, database = `${admin.database}_functions`, signal }: TenantDumpOptions): Promise<Pair | undefined> {
  const pair = await openDatabase({ ...admin, database }, signal)
  if (pair === undefined) return undefined
  const [row] = await pair.client.ask("SELECT to_regclass('cordon.cordon_tenants')")
  if (row?.[0] !== null) return pair
  await closePair(pair)
  return undefined
}

async function openDatabase(connection: SqlConnection, signal: AbortSignal | undefined): Promise<Pair | undefined> {
  try {
    const client = await openCopyClient(connection, { set: [plainPath], signal })
    try {
      await refuseViews(client)
      return { client, locker: await openCopyClient(connection, { set: [plainPath], signal }) }
    } catch (error) {
      await client.close()
      throw error
    }
  } catch (error) {
    // 3D000: there is no such database.
    if (error instanceof PlatformError && error.details['sqlState'] === '3D000') return undefined
    throw error
  }
}

/**
 * Tables and sequences are read by name, as the platform, while tenants are at work: one could put a view in the place of a name that was just looked
 * up, and its functions would run with the platform's rights (CVE-2024-7348 of pg_dump). The setting that came against that refuses to read views.
 */
async function refuseViews(client: CopyClient): Promise<void> {
  const rows = await client.ask(
    "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
  )
  if (rows.length > 0) return
  const [row] = await client.ask("SELECT current_setting('server_version')")
  throw new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot copy the platform: its server is PostgreSQL ${row?.[0]}, where a function could run as the platform during a copy. Update it to 14.13, 15.8, 16.4, 17 or newer`,
  )
}

async function closePair({ client, locker }: Pair): Promise<void> {
  await Promise.all([client.close(), locker.close()])
}

async function listTenants(client: CopyClient): Promise<readonly CopiedTenant[]> {
  const rows = await client.ask('SELECT tenant, role, password, created_at, database IS NOT NULL FROM cordon.cordon_tenants ORDER BY tenant')
  return rows.map(([tenant = '', role = '', password = '', createdAt = '', hasOwnDatabase]) => ({
    kind: 'tenant',
    tenant: tenant ?? '',
    role: role ?? '',
    password: password ?? '',
    createdAt: createdAt ?? '',
    hasOwnDatabase: hasOwnDatabase === 't',
  }))
}

async function aboutDatabase(client: CopyClient): Promise<Pick<CopiedDatabase, 'locale' | 'extensions'>> {
  const [row] = await client.ask(databaseLocale)
  const extensions = await client.ask(extensionRows)
  return { locale: row?.[0] ?? '', extensions: extensions.map(([name, schema]) => [name ?? '', schema ?? '']) }
}

/** `own` is on the tenant's database, `shared` on the one that knows all tenants; they may be the same. */
async function* dumpTenant(
  own: Pair,
  { client: shared, locker: sharedLocker }: Pair,
  { tenant, role }: CopiedTenant,
  roles: readonly string[],
): AsyncGenerator<CopyItem | Uint8Array, void, undefined> {
  const { client } = own
  const isAlone = client === shared
  if (!isAlone) {
    // The ledger is in another database than the tables: no migration may come between the two looks.
    await sharedLocker.ask('BEGIN')
    await sharedLocker.ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`cordon migrations of ${tenant}`])
  }
  const { plan, migrations } = await attempt(own, role, async () => {
    const found = await planLocked(own, role, roles)
    return { plan: found, migrations: await migrationsOf(shared, tenant) }
  }).catch((error: unknown) => Promise.reject(ofTenant(error, tenant)))
  if (!isAlone) await sharedLocker.ask('COMMIT')
  const [problem] = plan.problems
  if (problem !== undefined) throw new PlatformError('STORE_UNAVAILABLE', `Cannot copy what tenant "${tenant}" has in the database: ${problem}`)
  yield { kind: 'owner', role, migrations }
  yield* dumpSteps(client, plan)
  await release(own)
}

async function* dumpSteps(client: CopyClient, { steps }: SchemaPlan): AsyncGenerator<CopyItem | Uint8Array, void, undefined> {
  for (const step of steps) {
    if (step.kind === 'table') yield* readTable(client, step)
    else yield step
  }
}

/** Two connections to one database: a lock has to be there before the view of the rows that it protects. */
interface Pair {
  readonly client: CopyClient
  readonly locker: CopyClient
}

/** Runs `look` in a transaction of the client, which stays open, like the one that holds the locks. What is dropped or made meanwhile can disturb a look; then it begins anew. */
async function attempt<T>({ client, locker }: Pair, schema: string, look: () => Promise<T>): Promise<T> {
  for (let left = attempts; ; left--) {
    try {
      await lockRelations(locker, schema)
      await client.ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      return await look()
    } catch (error) {
      await release({ client, locker })
      if (left === 1 || !(error instanceof PlatformError) || error.details['sqlState'] === undefined) throw error
      await delay(pauseMs)
    }
  }
}

/** Refuses a table that was made between the last look for something to lock and the view of the rows: it could be gone when its rows are read. */
async function planLocked({ client, locker }: Pair, role: string, roles: readonly string[]): Promise<SchemaPlan> {
  const plan = await planSchema(client, role, roles)
  if (plan.problems.length > 0) return plan
  const rows = await locker.ask('SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid()')
  const locked = new Set(rows.map(([name]) => name))
  const fresh = plan.steps.find((step) => step.kind === 'table' && !locked.has(step.name))
  if (fresh === undefined) return plan
  // A serialization failure, which is a reason to begin anew.
  throw new PlatformError('STORE_UNAVAILABLE', 'Cannot copy the database: tables are made all the time', { details: { sqlState: '40001' } })
}

async function release({ client, locker }: Pair): Promise<void> {
  await client.ask('ROLLBACK')
  await locker.ask('ROLLBACK')
}

/**
 * Locks what has rows against changes of its form: what is seen then stays readable to the end. A tenant that makes and drops tables all the time
 * waits at the first that is locked.
 */
async function lockRelations(locker: CopyClient, schema: string): Promise<void> {
  const name = `'${schema.replaceAll("'", "''")}'`
  const unlocked = `SELECT c.oid::regclass AS relation FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${name} AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(c.oid, 'SELECT')
      AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.relation = c.oid AND l.mode = 'AccessShareLock')`
  const lock = `DO $do$ DECLARE one regclass; BEGIN FOR one IN ${unlocked} LOOP
    BEGIN EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', one);
    EXCEPTION WHEN undefined_table OR insufficient_privilege OR syntax_error OR invalid_object_definition THEN NULL; END;
  END LOOP; END $do$`
  await locker.ask('BEGIN')
  for (let round = 0; round < lockRounds; round++) {
    if ((await locker.ask(unlocked)).length === 0) return
    await locker.ask(lock)
  }
}

async function migrationsOf(shared: CopyClient, tenant: string): Promise<readonly CopiedMigration[]> {
  const rows = await shared.ask(
    `SELECT function, name, sha256, applied_at FROM cordon.cordon_migrations WHERE tenant = $1
      AND (xid IS NULL OR (pg_visible_in_snapshot(xid, pg_current_snapshot()) AND pg_xact_status(xid) = 'committed')) ORDER BY function, name`,
    [tenant],
  )
  return rows.map(([name, file, sha256, appliedAt]) => ({ function: name ?? '', name: file ?? '', sha256: sha256 ?? '', appliedAt: appliedAt ?? '' }))
}
