import type { Finding, Place } from './finding.ts'

/** Whether the database answers, or could be started. */
export async function checkDatabase({ dataDir, databaseUrl }: Place): Promise<readonly Finding[]> {
  const { databaseStatus } = await import('@cordon/core/database')
  const { state, kind, where, version, databases = [], connections } = await databaseStatus({ dataDir, databaseUrl })
  if (state === 'running') {
    const used = connections === undefined ? '' : `, ${connections.used} of ${connections.max} connections used`
    const size = databases.reduce((sum, { bytes }) => sum + bytes, 0)
    return [
      { check: 'database', state: 'ok', message: `PostgreSQL ${version} answers at ${where}: ${(size / 1e6).toFixed(0)} MB${used}` },
      ...crowded(connections),
    ]
  }
  if (kind === 'server') return []
  const { tryEmbeddedDatabase } = await import('@cordon/core/doctor')
  const tried = await tryEmbeddedDatabase()
  const major = String(Number.parseInt(tried.version, 10))
  if (state === 'stopped' && version !== undefined && version !== major)
    return [
      {
        check: 'database',
        state: 'error',
        message: `the data in ${where} was written by PostgreSQL ${version}, and ${tried.version} is installed`,
        remedy: `Install PostgreSQL ${version}, or restore a backup into an empty data directory`,
      },
    ]
  const kept = state === 'stopped' ? `; the data in ${where} fits it` : ''
  return [{ check: 'database', state: 'ok', message: `an embedded PostgreSQL ${tried.version} starts here${kept}` }]
}

/** Most of the connections of a server may be used before that is worth a word. */
const crowdedPart = 0.9

function crowded(connections: { readonly used: number; readonly max: number } | undefined): readonly Finding[] {
  if (connections === undefined || connections.used < connections.max * crowdedPart) return []
  const message = `${connections.used} of ${connections.max} connections of the database server are used`
  return [{ check: 'database', state: 'warn', message, remedy: 'Raise max_connections of the server, or lower database.connections of the platform' }]
}
