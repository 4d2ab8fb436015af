import { resolve } from 'node:path'
import { platformOptionTable, resolveOptions, type PlatformOptions, type ResolvedPlatformOptions } from '@cordon/contracts'

/**
 * The complete options of a platform, frozen; paths are absolute, so that a later change of the working directory does not matter.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function resolvePlatformOptions(given: PlatformOptions | undefined): Readonly<ResolvedPlatformOptions> {
  const table = platformOptionTable({ workingDirectory: process.cwd(), isProduction: process.env['NODE_ENV'] === 'production' })
  const options = resolveOptions(table, given)
  return Object.freeze({
    ...options,
    dataDir: resolve(options.dataDir),
    packages: Object.freeze({ ...options.packages, from: resolve(options.packages.from) }),
  })
}
