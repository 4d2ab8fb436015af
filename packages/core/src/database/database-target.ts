import { resolve } from 'node:path'
import type { EmbeddedFiles, SqlConnection } from '@cordon/pool'
import { hostOf } from '../data-dir/lock.ts'

/** Which database is meant: that of a server when there is a URL, else the embedded one of a data directory. */
export interface DatabaseTarget {
  readonly dataDir: string
  readonly databaseUrl?: string | undefined
}

/** What was found at a `DatabaseTarget`, before anything is started. */
export type FoundDatabase =
  | { readonly kind: 'server'; readonly where: string; readonly connection: SqlConnection }
  | { readonly kind: 'embedded'; readonly dataDir: string; readonly files: EmbeddedFiles; readonly hostPid: number | undefined }

/** @throws PlatformError INVALID_OPTION for a URL that is none */
export async function findDatabase({ dataDir, databaseUrl }: DatabaseTarget): Promise<FoundDatabase> {
  const { connectionFromUrl, readEmbeddedFiles } = await import('@cordon/pool')
  if (databaseUrl !== undefined) {
    const connection = connectionFromUrl(databaseUrl)
    return { kind: 'server', where: `${connection.host}:${connection.port}`, connection }
  }
  const directory = resolve(dataDir)
  const [files, hostPid] = await Promise.all([readEmbeddedFiles(directory), hostOf(directory)])
  return { kind: 'embedded', dataDir: directory, files, hostPid }
}
