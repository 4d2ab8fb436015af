import { PlatformError, type SecretInfo } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import type { SealedSecret, SecretPlace } from '../secrets/key-ring.ts'
import { noteChange, secretsChanged } from './change-log.ts'
import { numberOf, textOf } from './row.ts'
import { keepTenant } from './tenant-store.ts'

/** A secret as it is stored. */
export interface SecretRow extends SecretPlace, SealedSecret {}

/** Sealed secrets of all tenants. */
export class SecretStore {
  readonly #sql: SqlPool
  readonly #host: string

  constructor(sql: SqlPool, host: string) {
    this.#sql = sql
    this.#host = host
  }

  /** Of all tenants, or of one. */
  async load(tenant?: string): Promise<readonly SecretRow[]> {
    const { rows } = await this.#sql.query(
      `select tenant, name, key_id, sealed from cordon.secrets ${tenant === undefined ? '' : 'where tenant = $1'}`,
      tenant === undefined ? [] : [tenant],
    )
    return rows.map((row) => {
      const sealed = row['sealed']
      if (!(sealed instanceof Uint8Array)) throw new PlatformError('STORE_UNAVAILABLE', 'Cannot read the store: a secret does not hold bytes')
      return { tenant: textOf(row, 'tenant'), name: textOf(row, 'name'), keyId: textOf(row, 'key_id'), sealed }
    })
  }

  async hasAny(): Promise<boolean> {
    return (await this.#sql.query('select 1 from cordon.secrets limit 1')).rows.length > 0
  }

  /** By name, without the values. */
  async list(tenant: string): Promise<readonly SecretInfo[]> {
    const { rows } = await this.#sql.query('select name, created_at, updated_at from cordon.secrets where tenant = $1 order by name', [tenant])
    return rows.map((row) => ({ name: textOf(row, 'name'), createdAt: numberOf(row, 'created_at'), updatedAt: numberOf(row, 'updated_at') }))
  }

  async set({ tenant, name }: SecretPlace, { keyId, sealed }: SealedSecret, time: number): Promise<void> {
    await this.#sql.transaction(async (tx) => {
      await keepTenant(tx, tenant, time)
      await tx.query(
        `insert into cordon.secrets (tenant, name, key_id, sealed, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
        on conflict (tenant, name) do update set key_id = excluded.key_id, sealed = excluded.sealed, updated_at = excluded.updated_at`,
        [tenant, name, keyId, sealed, time],
      )
      await noteChange(tx, this.#host, { tenant, function: secretsChanged })
    })
  }

  async remove({ tenant, name }: SecretPlace): Promise<void> {
    await this.#sql.transaction(async (tx) => {
      await tx.query('delete from cordon.secrets where tenant = $1 and name = $2', [tenant, name])
      await noteChange(tx, this.#host, { tenant, function: secretsChanged })
    })
  }

  /** Puts the same value under another key, unless the value was changed meanwhile. */
  async renew({ tenant, name, sealed: before }: SecretRow, { keyId, sealed }: SealedSecret): Promise<void> {
    await this.#sql.query('update cordon.secrets set key_id = $4, sealed = $5 where tenant = $1 and name = $2 and sealed = $3', [
      tenant,
      name,
      before,
      keyId,
      sealed,
    ])
  }
}
