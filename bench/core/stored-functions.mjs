import { createReaper } from '@cordon/executor'
import { createEmbeddedServer, createSqlPool } from '@cordon/pool'

/**
 * Copies the only deployed function, `f1`, to `f<from>` … `f<to>` in the database of a closed platform, as rows that deployments would
 * have written: thousands of them through the analyzer would take a quarter of an hour.
 */
export async function copyFunction(dataDir, { from, to }) {
  const reaper = createReaper()
  const server = await createEmbeddedServer({ dataDir, reaper })
  const sql = createSqlPool({ connection: server.connection, max: 1, acquireTimeoutMs: 10_000, queryTimeoutMs: 60_000, applicationName: 'bench' })
  const names = 'generate_series($1::int, $2::int) as n'
  try {
    await sql.transaction(async (tx) => {
      await tx.query(
        `insert into cordon.functions (tenant, name, live, created_at, updated_at)
        select tenant, 'f' || n, live, created_at, updated_at from cordon.functions, ${names} where name = 'f1'`,
        [from, to],
      )
      await tx.query(
        `insert into cordon.versions (tenant, function, version, manifest, schemas, code, source_map, hash, created_at)
        select tenant, 'f' || n, version, manifest, schemas, code, source_map, hash, created_at from cordon.versions, ${names} where function = 'f1'`,
        [from, to],
      )
      await tx.query(
        `insert into cordon.deployments (tenant, function, version, kind, label, created_at)
        select tenant, 'f' || n, version, kind, label, created_at from cordon.deployments, ${names} where function = 'f1'`,
        [from, to],
      )
    })
  } finally {
    await sql.close()
    await server.close()
    await reaper.close()
  }
}
