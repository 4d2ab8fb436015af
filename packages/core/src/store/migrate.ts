import { PlatformError } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { first } from './migrations/0001-first.ts'
import { logLocations } from './migrations/0002-log-locations.ts'
import { recordsByDay } from './migrations/0003-records-by-day.ts'
import { tenants } from './migrations/0004-tenants.ts'
import { secrets } from './migrations/0005-secrets.ts'
import { failuresByVersion } from './migrations/0006-failures-by-version.ts'
import { backups } from './migrations/0007-backups.ts'
import { usedCapabilities } from './migrations/0008-used-capabilities.ts'
import { traceIds } from './migrations/0009-trace-ids.ts'
import { refuseIncomplete } from './incomplete.ts'
import { schemaLock } from './locks.ts'
import { numberOf } from './row.ts'

/** One forward step of the store's schema. A migration that has been released never changes. */
export interface Migration {
  readonly id: number
  readonly name: string
  readonly statements: readonly string[]
}

/** All migrations, in order. */
const migrations: readonly Migration[] = [first, logLocations, recordsByDay, tenants, secrets, failuresByVersion, backups, usedCapabilities, traceIds]

/** Number of the schema that this version of Cordon writes. */
export const newestSchema = migrations.at(-1)?.id ?? 0

/** Makes the schema as it was at an earlier migration; it has to be missing. */
export function migrateTo(sql: Pick<SqlPool, 'transaction'>, schema: number): Promise<void> {
  return migrate(
    sql,
    migrations.filter(({ id }) => id <= schema),
  )
}

/**
 * Brings the schema `cordon` up to date in one transaction. Hosts that start at the same time wait for each other.
 *
 * @throws PlatformError STORE_UNAVAILABLE, also when the schema was written by a newer version of Cordon, or is half of a copy
 */
export async function migrate(sql: Pick<SqlPool, 'transaction'>, steps: readonly Migration[] = migrations): Promise<void> {
  await sql.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [schemaLock])
    await refuseIncomplete(tx)
    await tx.query('create schema if not exists cordon')
    await tx.query(
      'create table if not exists cordon.migrations (id integer primary key, name text not null, applied_at timestamptz not null default now())',
    )
    const { rows } = await tx.query('select coalesce(max(id), 0) as id from cordon.migrations')
    const current = rows[0] === undefined ? 0 : numberOf(rows[0], 'id')
    const newest = steps.at(-1)?.id ?? 0
    if (current > newest) {
      throw new PlatformError(
        'STORE_UNAVAILABLE',
        `Cannot use the store: its schema is at migration ${current}, this version of Cordon knows ${newest}; start the newer version of Cordon that wrote it`,
        { details: { schema: current, supported: newest } },
      )
    }
    for (const step of steps) {
      if (step.id <= current) continue
      for (const statement of step.statements) await tx.query(statement)
      await tx.query('insert into cordon.migrations (id, name) values ($1, $2)', [step.id, step.name])
    }
  })
}
