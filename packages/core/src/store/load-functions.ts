import { resolveFunctionConfig, type Manifest } from '@cordon/contracts'
import type { StoredFunction, StoredVersion } from './function-store.ts'
import { numberOf, optionalTextOf, recordOf, textOf } from './row.ts'
import type { Row, Sql } from './sql.ts'

const versionColumns = 'v.tenant, v.function, v.version, v.manifest, v.schemas, v.created_at, octet_length(v.code) as bytes'
const latestLabel =
  '(select d.label from cordon.deployments d where d.tenant = v.tenant and d.function = v.function and d.version = v.version order by d.seq desc limit 1) as label'

/** Functions of all tenants, or of one, or one of them, by tenant; everything but the code. */
export async function loadFunctions(sql: Sql, tenant?: string, name?: string): Promise<ReadonlyMap<string, readonly StoredFunction[]>> {
  const values = [tenant, name].filter((one) => one !== undefined)
  const where = (column: string): string => (tenant === undefined ? 'true' : name === undefined ? 'tenant = $1' : `tenant = $1 and ${column} = $2`)
  // One statement after the other would see two states; a version without its function, or the reverse, is left out below.
  const [functions, versions] = await Promise.all([
    sql.query(`select tenant, name, live, created_at, updated_at from cordon.functions where ${where('name')} order by tenant, name`, values),
    sql.query(`select ${versionColumns}, ${latestLabel} from cordon.versions v where ${where('function')} order by v.created_at, v.version`, values),
  ])
  const versionsOf = new Map<string, StoredVersion[]>()
  for (const row of versions.rows) {
    const key = `${textOf(row, 'tenant')} ${textOf(row, 'function')}`
    const list = versionsOf.get(key)
    if (list === undefined) versionsOf.set(key, [versionOf(row)])
    else list.push(versionOf(row))
  }
  const byTenant = new Map<string, StoredFunction[]>()
  for (const row of functions.rows) {
    const owner = textOf(row, 'tenant')
    const found = {
      name: textOf(row, 'name'),
      live: textOf(row, 'live'),
      createdAt: numberOf(row, 'created_at'),
      updatedAt: numberOf(row, 'updated_at'),
      versions: versionsOf.get(`${owner} ${textOf(row, 'name')}`) ?? [],
    }
    const list = byTenant.get(owner)
    if (list === undefined) byTenant.set(owner, [found])
    else list.push(found)
  }
  return byTenant
}

/** Versions of before these lists existed were granted none of what they name. */
type StoredManifest = Omit<Manifest, 'net' | 'secrets' | 'env' | 'functions'> & Partial<Manifest>

function versionOf(row: Row): StoredVersion {
  // What this package wrote: the shape is its own, not an input. JSON left out the keys that are undefined.
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
