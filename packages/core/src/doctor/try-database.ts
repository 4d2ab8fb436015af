import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Makes an embedded database in a temporary directory, starts it, and throws it away: what keeps the real one from starting keeps this one, too.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION with what to do
 */
export async function tryEmbeddedDatabase(): Promise<{ readonly version: string }> {
  const [{ createReaper }, { createEmbeddedServer }] = await Promise.all([import('@cordon/executor'), import('@cordon/pool')])
  const folder = await mkdtemp(join(tmpdir(), 'cordon-doctor-'))
  const reaper = createReaper()
  try {
    // As for a data directory: PostgreSQL may run as another user, who passes through.
    await chmod(folder, 0o711)
    const server = await createEmbeddedServer({ dataDir: folder, reaper, temporary: { directory: folder } })
    const { version } = server
    await server.destroy()
    return { version }
  } finally {
    await reaper.close()
    await rm(folder, { recursive: true, force: true })
  }
}
