import type { Platform, PlatformOptions } from '@cordon/contracts'
import { checkNodeVersion } from './platform/node-version.ts'
import { resolvePlatformOptions } from './platform/resolve-platform-options.ts'

/**
 * Starts a platform: the embedded database (or a connection to `databaseUrl`), the sandboxes and everything between.
 * Inside one process, calls for the same data directory share one platform, which stops when the last of them is
 * closed. Another process that holds the directory is waited for, for 5 s.
 *
 * @throws PlatformError INVALID_OPTION, DATA_DIR_IN_USE, STORE_UNAVAILABLE, HARDENING_UNAVAILABLE, SANDBOX_FAILED
 */
export async function createPlatform(options?: PlatformOptions): Promise<Platform> {
  checkNodeVersion()
  // Loaded on first use, so that importing the package costs next to nothing.
  const { attach } = await import('./platform/shared-hosts.ts')
  return attach(resolvePlatformOptions(options))
}
