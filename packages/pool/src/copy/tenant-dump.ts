import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError } from '@cordon/contracts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { openCopyClient, type CopyClient } from './copy-client.ts'
import type { CopiedMigration, CopiedTenant, CopyItem } from './copy-item.ts'
import { readTable } from './copy-rows.ts'
import { arrayOf, planSchema, type SchemaPlan } from './schema-plan.ts'
import { extensionRows, ownerless } from './schema-queries.ts'

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
const attempts = 8
const pauseMs = 100
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
    const tenants = await listTenants(shared)
    yield* tenants
    const roles = tenants.map(({ role }) => role)
    yield { kind: 'database', role: null, extensions: await extensionsOf(shared) }
    for (const tenant of tenants) if (!tenant.hasOwnDatabase) yield* dumpTenant(shared, shared, tenant, roles)
    for (const { role, ...tenant } of tenants) {
      if (!tenant.hasOwnDatabase) continue
      const own = await openDatabase({ ...options.admin, database: role }, options.signal)
      // It is made by the tenant's first query.
      if (own === undefined) continue
      try {
        yield { kind: 'database', role, extensions: await extensionsOf(own) }
        yield* dumpTenant(own, shared, { ...tenant, role }, roles)
      } finally {
        await own.close()
      }
    }
  } finally {
    await shared.close()
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
    const tenants = await listTenants(shared)
    const roles = tenants.map(({ role }) => role)
    for (const [name] of await shared.ask(ownerless, [arrayOf(roles)])) problems.push(`${name}: it belongs to no tenant`)
    for (const { tenant, role, hasOwnDatabase } of tenants) {
      const client: CopyClient | undefined = hasOwnDatabase ? await openDatabase({ ...options.admin, database: role }, options.signal) : shared
      if (client === undefined) continue
      try {
        if (client !== shared)
          for (const [name] of await client.ask(ownerless, [arrayOf([role])])) problems.push(`tenant "${tenant}": ${name}: it is not the tenant's`)
        const plan = await attempt(client, role, () => planSchema(client, role, roles))
        problems.push(...plan.problems.map((problem) => `tenant "${tenant}": ${problem}`))
        await client.ask('ROLLBACK')
      } finally {
        if (client !== shared) await client.close()
      }
    }
  } finally {
    await shared.close()
  }
  return problems
}

async function openShared({ admin, database = `${admin.database}_functions`, signal }: TenantDumpOptions): Promise<CopyClient | undefined> {
  const client = await openDatabase({ ...admin, database }, signal)
  if (client === undefined) return undefined
  const [row] = await client.ask("SELECT to_regclass('cordon.cordon_tenants')")
  if (row?.[0] !== null) return client
  await client.close()
  return undefined
}

async function openDatabase(connection: SqlConnection, signal: AbortSignal | undefined): Promise<CopyClient | undefined> {
  try {
    return await openCopyClient(connection, { set: [plainPath], signal })
  } catch (error) {
    // 3D000: there is no such database.
    if (error instanceof PlatformError && error.details['sqlState'] === '3D000') return undefined
    throw error
  }
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

async function extensionsOf(client: CopyClient): Promise<readonly (readonly [string, string])[]> {
  return (await client.ask(extensionRows)).map(([name, schema]) => [name ?? '', schema ?? ''])
}

/** `client` is on the tenant's database, `shared` on the one that knows all tenants; they may be the same. */
async function* dumpTenant(
  client: CopyClient,
  shared: CopyClient,
  { tenant, role }: CopiedTenant,
  roles: readonly string[],
): AsyncGenerator<CopyItem | Uint8Array, void, undefined> {
  const isAlone = client === shared
  if (!isAlone) {
    // The ledger is in another database than the tables: no migration may come between the two looks.
    await shared.ask('BEGIN')
    await shared.ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`cordon migrations of ${tenant}`])
  }
  const { plan, migrations } = await attempt(client, role, async () => {
    const found = await planSchema(client, role, roles)
    return { plan: found, migrations: await migrationsOf(shared, tenant) }
  })
  if (!isAlone) await shared.ask('COMMIT')
  const [problem] = plan.problems
  if (problem !== undefined) throw new PlatformError('STORE_UNAVAILABLE', `Cannot copy what tenant "${tenant}" has in the database: ${problem}`)
  yield { kind: 'owner', role, migrations }
  yield* dumpSteps(client, plan)
  await client.ask('ROLLBACK')
}

async function* dumpSteps(client: CopyClient, { steps }: SchemaPlan): AsyncGenerator<CopyItem | Uint8Array, void, undefined> {
  for (const step of steps) {
    if (step.kind === 'table') yield* readTable(client, step)
    else yield step
  }
}

/** Runs `look` in a transaction, which stays open. What is dropped or made meanwhile can disturb a look; then it begins anew. */
async function attempt<T>(client: CopyClient, schema: string, look: () => Promise<T>): Promise<T> {
  for (let left = attempts; ; left--) {
    const lock = await tableLock(client, schema)
    await client.ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    try {
      if (lock !== undefined) await client.ask(lock)
      return await look()
    } catch (error) {
      await client.ask('ROLLBACK')
      if (left === 1 || !(error instanceof PlatformError) || error.details['sqlState'] === undefined) throw error
      await delay(pauseMs)
    }
  }
}

/**
 * Locks the tables of a schema against changes of their form: what is seen then stays readable to the end. This comes before the first query, which
 * is what the view of the rows dates from. A table that is made between the two is not locked, and reading it fails if it is dropped at once.
 */
async function tableLock(client: CopyClient, schema: string): Promise<string | undefined> {
  const [row] = await client.ask(
    `SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT')`,
    [schema],
  )
  return row?.[0] ? `LOCK TABLE ${row[0]} IN ACCESS SHARE MODE` : undefined
}

async function migrationsOf(shared: CopyClient, tenant: string): Promise<readonly CopiedMigration[]> {
  const rows = await shared.ask(
    `SELECT function, name, sha256, applied_at FROM cordon.cordon_migrations WHERE tenant = $1
      AND (xid IS NULL OR (pg_visible_in_snapshot(xid, pg_current_snapshot()) AND pg_xact_status(xid) = 'committed')) ORDER BY function, name`,
    [tenant],
  )
  return rows.map(([name, file, sha256, appliedAt]) => ({ function: name ?? '', name: file ?? '', sha256: sha256 ?? '', appliedAt: appliedAt ?? '' }))
}
