import { resolveFunctionConfig, type Bundle, type Manifest, type Schemas } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { bytesTextOf, numberOf, optionalTextOf, recordOf, textOf } from './row.ts'
import { removeRecords } from './remove-records.ts'
import type { Row } from './sql.ts'

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

/** What a deployment writes. `bundle` is `undefined` when the version is already there. */
export interface DeploymentRow {
  readonly name: string
  readonly version: string
  readonly kind: 'deploy' | 'rollback'
  readonly label: string | null
  readonly time: number
  readonly created?: { readonly manifest: Manifest; readonly schemas: Schemas; readonly bundle: Bundle } | undefined
}

const versionColumns = 'v.function, v.version, v.manifest, v.schemas, v.created_at, octet_length(v.code) as bytes'
const latestLabel =
  '(select d.label from cordon.deployments d where d.tenant = v.tenant and d.function = v.function and d.version = v.version order by d.seq desc limit 1) as label'

/** Functions, versions and deployments of one tenant in the database. Every change is one transaction: a crash leaves all of it or nothing. */
export class FunctionStore {
  readonly #sql: SqlPool
  readonly #tenant: string

  constructor(sql: SqlPool, tenant: string) {
    this.#sql = sql
    this.#tenant = tenant
  }

  /** Everything but the code. */
  async load(): Promise<StoredFunction[]> {
    const [functions, versions] = await Promise.all([
      this.#sql.query('select name, live, created_at, updated_at from cordon.functions where tenant = $1 order by name', [this.#tenant]),
      this.#sql.query(`select ${versionColumns}, ${latestLabel} from cordon.versions v where v.tenant = $1 order by v.created_at, v.version`, [
        this.#tenant,
      ]),
    ])
    const byFunction = new Map<string, StoredVersion[]>()
    for (const row of versions.rows) {
      const name = textOf(row, 'function')
      const list = byFunction.get(name)
      if (list === undefined) byFunction.set(name, [versionOf(row)])
      else list.push(versionOf(row))
    }
    return functions.rows.map((row) => {
      const name = textOf(row, 'name')
      return {
        name,
        live: textOf(row, 'live'),
        createdAt: numberOf(row, 'created_at'),
        updatedAt: numberOf(row, 'updated_at'),
        versions: byFunction.get(name) ?? [],
      }
    })
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
  async deploy({ name, version, kind, label, time, created }: DeploymentRow): Promise<void> {
    const tenant = this.#tenant
    await this.#sql.transaction(async (tx) => {
      await tx.query(
        `insert into cordon.functions (tenant, name, live, created_at, updated_at) values ($1, $2, $3, $4, $4)
        on conflict (tenant, name) do update set live = excluded.live, updated_at = excluded.updated_at`,
        [tenant, name, version, time],
      )
      if (created !== undefined) {
        const { manifest, schemas, bundle } = created
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
      await tx.query('insert into cordon.deployments (tenant, function, version, kind, label, created_at) values ($1, $2, $3, $4, $5, $6)', [
        tenant,
        name,
        version,
        kind,
        label,
        time,
      ])
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

  /** Deletes a function and everything that belongs to it, records included; what it used stays counted. */
  async remove(name: string): Promise<void> {
    const tenant = this.#tenant
    // Most of them before the rest, in steps: until the function itself goes, a crash leaves it as it was, with fewer records.
    await removeRecords(this.#sql, tenant, name)
    await this.#sql.transaction(async (tx) => {
      // Its versions and deployments go with it (on delete cascade).
      await tx.query('delete from cordon.functions where tenant = $1 and name = $2', [tenant, name])
      await removeRecords(tx, tenant, name)
    })
  }
}

/** Versions of before these lists existed were granted none of what they name. */
type StoredManifest = Omit<Manifest, 'net' | 'secrets' | 'env' | 'functions'> & Partial<Manifest>

function versionOf(row: Row): StoredVersion {
  // What this class wrote: the shape is this package's own, not an input. JSON left out the keys that are undefined.
  const manifest = recordOf(row, 'manifest') as unknown as StoredManifest
  const config = resolveFunctionConfig(manifest.config)
  return {
    version: textOf(row, 'version'),
    manifest: { net: [], secrets: [], functions: [], env: Object.keys(config.env), ...manifest, config },
    schemas: recordOf(row, 'schemas'),
    createdAt: numberOf(row, 'created_at'),
    label: optionalTextOf(row, 'label'),
    bytes: numberOf(row, 'bytes'),
  }
}
