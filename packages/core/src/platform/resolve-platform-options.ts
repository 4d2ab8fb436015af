import { resolve } from 'node:path'
import { PlatformError, platformOptionTable, resolveOptions, type PlatformOptions, type ResolvedPlatformOptions } from '@cordon/contracts'

/**
 * The complete options of a platform, frozen; paths are absolute, so that a later change of the working directory does not matter.
 *
 * @throws PlatformError INVALID_OPTION, HARDENING_UNAVAILABLE when threads are asked for and hardening is required
 */
export function resolvePlatformOptions(given: PlatformOptions | undefined): Readonly<ResolvedPlatformOptions> {
  const table = platformOptionTable({ workingDirectory: process.cwd(), isProduction: process.env['NODE_ENV'] === 'production' })
  const options = resolveOptions(table, given)
  if (options.isolation === 'thread' && options.hardening === 'required') {
    throw new PlatformError(
      'HARDENING_UNAVAILABLE',
      "Cannot start sandboxes as threads: hardening is required (the default when NODE_ENV is production) and a thread is no wall; use isolation: 'process', or, for functions that the host itself ships, say hardening: 'best-effort'",
      { details: { isolation: 'thread' } },
    )
  }
  return Object.freeze({
    ...options,
    dataDir: resolve(options.dataDir),
    backup: Object.freeze({ ...options.backup, directory: options.backup.directory === undefined ? undefined : resolve(options.backup.directory) }),
    packages: Object.freeze({ ...options.packages, from: resolve(options.packages.from) }),
  })
}
