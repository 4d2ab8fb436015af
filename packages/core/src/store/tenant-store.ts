import type { TenantInfo } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { noteChange } from './change-log.ts'
import { removeLastRecords, removeRecords } from './remove-records.ts'
import { numberOf, textOf } from './row.ts'
import type { Row, Sql } from './sql.ts'

/** Makes a tenant known inside the transaction that writes something of it. */
export async function keepTenant(tx: Sql, tenant: string, time: number): Promise<void> {
  await tx.query('insert into cordon.tenants (id, created_at) values ($1, $2) on conflict (id) do nothing', [tenant, time])
}

/** Notes that a user did something for a tenant. */
export async function noteUser(tx: Sql, tenant: string, { id, time }: { readonly id: string; readonly time: number }): Promise<void> {
  await tx.query(
    `insert into cordon.users (tenant, id, first_at, last_at) values ($1, $2, $3, $3)
    on conflict (tenant, id) do update set last_at = greatest(users.last_at, excluded.last_at)`,
    [tenant, id, time],
  )
}

const selectTenants = `select t.id, t.created_at, (select count(*) from cordon.functions f where f.tenant = t.id) as functions from cordon.tenants t`

/** The tenants that have anything in the store. */
export class TenantStore {
  readonly #sql: SqlPool
  readonly #host: string

  constructor(sql: SqlPool, host: string) {
    this.#sql = sql
    this.#host = host
  }

  /** By id. */
  async list(): Promise<readonly TenantInfo[]> {
    return (await this.#sql.query(`${selectTenants} order by t.id`)).rows.map(infoOf)
  }

  async get(id: string): Promise<TenantInfo | undefined> {
    const { rows } = await this.#sql.query(`${selectTenants} where t.id = $1`, [id])
    return rows[0] === undefined ? undefined : infoOf(rows[0])
  }

  /** Deletes the records of a tenant: most of the work of removing it. */
  removeRecords(id: string): Promise<void> {
    return removeRecords(this.#sql, id)
  }

  /** Deletes everything of a tenant, the records that are left included. What an interrupted attempt left is deleted by the next. */
  async remove(id: string): Promise<void> {
    await this.#sql.transaction(async (tx) => {
      // In the order in which batches of records take these rows, so that neither waits for the other for ever.
      await tx.query('select 1 from cordon.functions where tenant = $1 order by name for update', [id])
      await tx.query('delete from cordon.tenants where id = $1', [id])
      await removeLastRecords(tx, id)
      await tx.query('delete from cordon.usage where tenant = $1', [id])
      await tx.query('delete from cordon.changes where tenant = $1', [id])
      await noteChange(tx, this.#host, { tenant: id, function: null })
    })
  }
}

function infoOf(row: Row): TenantInfo {
  return { id: textOf(row, 'id'), createdAt: numberOf(row, 'created_at'), functions: numberOf(row, 'functions') }
}
