import type { Logger, Reaper, ResolvedPlatformOptions } from '@cordon/contracts'
import type { SqlConnection, TemporaryServer } from '@cordon/pool'
import type { EventHub } from './events.ts'
import type { Teardown } from './teardown.ts'

/** What starting the database needs. */
export interface DatabaseParts {
  readonly options: ResolvedPlatformOptions
  readonly reaper: Reaper
  readonly logger: Logger
  readonly events: EventHub
  readonly teardown: Teardown
  /** Of a platform that is thrown away. */
  readonly temporary?: TemporaryServer | undefined
  /** Whether the platform is being destroyed rather than closed. */
  readonly isForced: () => boolean
}

/**
 * How to sign in to the platform's database, which is started first when it is the embedded one.
 *
 * @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE
 */
export async function openDatabase({ options, reaper, logger, events, teardown, temporary, isForced }: DatabaseParts): Promise<SqlConnection> {
  const { checkServer, connectionFromUrl, createEmbeddedServer } = await import('@cordon/pool')
  if (options.databaseUrl !== undefined) {
    const connection = connectionFromUrl(options.databaseUrl)
    await checkServer(connection)
    return connection
  }
  const server = await createEmbeddedServer({ dataDir: options.dataDir, reaper, logger, temporary })
  teardown.add(() => (isForced() || temporary !== undefined ? server.destroy() : server.close()))
  teardown.add(async () => stopListening())
  const stopListening = server.onExit(({ exitCode, signal }) => {
    const message = `The embedded database ended by itself (${signal ?? `exit code ${exitCode}`}): it is started again`
    logger.warn({}, message)
    events.emit('warning', { message })
  })
  return server.connection
}
