import type { PlatformOptions } from '@cordon/contracts'

/** Gives `cordon.config.ts` its types: `export default defineConfig({ … })`. Returns what it is given. */
export function defineConfig(options: PlatformOptions): PlatformOptions {
  return options
}
