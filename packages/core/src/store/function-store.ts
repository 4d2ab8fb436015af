import type { Bundle, Capability, DeploymentInfo, Manifest, Schemas } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { noteChange } from './change-log.ts'
import { loadFunctions } from './load-functions.ts'
import { removeLastRecords, removeRecords } from './remove-records.ts'
import { bytesTextOf, numberOf, optionalTextOf, textOf } from './row.ts'
import { keepTenant, noteUser } from './tenant-store.ts'

/** A version without its code, as it is kept in memory. */
export interface StoredVersion {
  readonly version: string
  readonly manifest: Manifest
  readonly schemas: Schemas
  readonly createdAt: number
  /** Label of its latest deployment. */
  readonly label: string | null
  /** Bytes of its code. */
  readonly bytes: number
}

/** A function with all its versions, oldest first. */
export interface StoredFunction {
  readonly name: string
  readonly live: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly versions: readonly StoredVersion[]
}

/** What a deployment writes. */
export interface DeploymentRow {
  readonly name: string
  readonly version: string
  readonly kind: 'deploy' | 'rollback'
  readonly label: string | null
  readonly userId: string | undefined
  /** What the version may use. */
  readonly capabilities: readonly Capability[]
  readonly time: number
  /** The version itself; it may be there already. `undefined` for a rollback, which needs it there. */
  readonly content?: { readonly manifest: Manifest; readonly schemas: Schemas; readonly bundle: Bundle } | undefined
}

/** Who writes, and for whom. */
export interface FunctionStoreOptions {
  readonly tenant: string
  /** Id of this host in the log of changes. */
  readonly host: string
}

/** Functions, versions and deployments of one tenant in the database. Every change is one transaction: a crash leaves all of it or nothing. */
export class FunctionStore {
  readonly #sql: SqlPool
  readonly #tenant: string
  readonly #host: string

  constructor(sql: SqlPool, { tenant, host }: FunctionStoreOptions) {
    this.#sql = sql
    this.#tenant = tenant
    this.#host = host
  }

  /** One function, all but its code; `undefined` when it is not there. */
  async load(name: string): Promise<StoredFunction | undefined> {
    return (await loadFunctions(this.#sql, this.#tenant, name)).get(this.#tenant)?.[0]
  }

  /** The code of a version; `undefined` when it was removed. */
  async loadBundle(name: string, version: string): Promise<Bundle | undefined> {
    const { rows } = await this.#sql.query(
      'select code, source_map, hash from cordon.versions where tenant = $1 and function = $2 and version = $3',
      [this.#tenant, name, version],
    )
    const row = rows[0]
    if (row === undefined) return undefined
    return { code: bytesTextOf(row, 'code'), sourceMap: bytesTextOf(row, 'source_map'), hash: textOf(row, 'hash') }
  }

  /** Writes a deployment: the version if it is new, the live pointer, the history. */
  async deploy({ name, version, kind, label, userId, capabilities, time, content }: DeploymentRow): Promise<void> {
    const tenant = this.#tenant
    await this.#sql.transaction(async (tx) => {
      await keepTenant(tx, tenant, time)
      if (userId !== undefined) await noteUser(tx, tenant, { id: userId, time })
      await tx.query(
        `insert into cordon.functions (tenant, name, live, created_at, updated_at) values ($1, $2, $3, $4, $4)
        on conflict (tenant, name) do update set live = excluded.live, updated_at = excluded.updated_at`,
        [tenant, name, version, time],
      )
      if (content !== undefined) {
        const { manifest, schemas, bundle } = content
        await tx.query(
          `insert into cordon.versions (tenant, function, version, manifest, schemas, code, source_map, hash, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
          on conflict (tenant, function, version) do nothing`,
          [
            tenant,
            name,
            version,
            JSON.stringify(manifest),
            JSON.stringify(schemas),
            Buffer.from(bundle.code),
            Buffer.from(bundle.sourceMap),
            bundle.hash,
            time,
          ],
        )
      }
      await tx.query(
        `insert into cordon.deployments (tenant, function, version, kind, label, user_id, capabilities, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [tenant, name, version, kind, label, userId ?? null, JSON.stringify(capabilities), time],
      )
      await noteChange(tx, this.#host, { tenant, function: name })
    })
  }

  /** The newest deployments of a function, newest first. */
  async deployments(name: string, limit: number): Promise<readonly DeploymentInfo[]> {
    const { rows } = await this.#sql.query(
      `select version, kind, label, user_id, capabilities, created_at from cordon.deployments
      where tenant = $1 and function = $2 order by seq desc limit ${limit}`,
      [this.#tenant, name],
    )
    return rows.map((row) => {
      const userId = optionalTextOf(row, 'user_id')
      const capabilities: unknown = row['capabilities']
      return {
        version: textOf(row, 'version'),
        kind: textOf(row, 'kind') === 'rollback' ? 'rollback' : 'deploy',
        label: optionalTextOf(row, 'label'),
        ...(userId === null ? {} : { userId }),
        // What this class wrote; before it did, nothing was noted.
        capabilities: Array.isArray(capabilities) ? (capabilities as Capability[]) : [],
        createdAt: numberOf(row, 'created_at'),
      }
    })
  }

  /** The version that was live before the one that is; `undefined` when there was none. */
  async previousLive(name: string): Promise<string | undefined> {
    const { rows } = await this.#sql.query(
      `select d.version from cordon.deployments d join cordon.functions f on f.tenant = d.tenant and f.name = d.function
      where d.tenant = $1 and d.function = $2 and d.version <> f.live order by d.seq desc limit 1`,
      [this.#tenant, name],
    )
    return rows[0] === undefined ? undefined : textOf(rows[0], 'version')
  }

  /** Deletes the records of a function: most of the work of removing it. A crash leaves it as it was, with fewer records. */
  removeRecords(name: string): Promise<void> {
    return removeRecords(this.#sql, this.#tenant, name)
  }

  /** Deletes a function and everything that belongs to it, the records that are left included; what it used stays counted. */
  async remove(name: string): Promise<void> {
    const tenant = this.#tenant
    await this.#sql.transaction(async (tx) => {
      // Its versions and deployments go with it (on delete cascade). Waits for the batches that hold its row; later ones find it gone.
      await tx.query('delete from cordon.functions where tenant = $1 and name = $2', [tenant, name])
      await removeLastRecords(tx, tenant, name)
      await noteChange(tx, this.#host, { tenant, function: name })
    })
  }
}
