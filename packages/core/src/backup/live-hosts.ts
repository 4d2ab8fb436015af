import { PlatformError } from '@cordon/contracts'
import type { CopyClient } from '@cordon/pool'

/**
 * Refuses a database that a host of the platform is connected to. Whoever calls this holds the lock that starting hosts wait for, so none comes later.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
export async function refuseLiveHosts(client: CopyClient, act: string): Promise<void> {
  const rows = await client.ask(
    "SELECT DISTINCT coalesce(client_addr::text, 'this machine') FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('cordon', 'cordon changes')",
  )
  if (rows.length === 0) return
  const where = rows.map(([address]) => address).join(', ')
  throw new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot ${act}: a host of the platform is connected to that database (from ${where}). Stop it, and try again after 15 s`,
  )
}
