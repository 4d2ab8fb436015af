import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createPlatform, type Platform, type PlatformOptions } from '@cordon/core'
import { temporaryFolder } from './temporary-folder.ts'

/** A platform in a directory of its own. */
export interface OpenPlatform {
  readonly platform: Platform
  readonly dataDir: string
  close(): Promise<void>
}

/** Opens a platform and deploys the named fixtures. */
export async function openPlatform(fixtures: readonly string[], options: PlatformOptions = {}): Promise<OpenPlatform> {
  const dataDir = await temporaryFolder('cordon-adapters-')
  const platform = await createPlatform({ ...options, dataDir })
  for (const name of fixtures) await platform.deploy({ name, path: fixture(name) })
  return {
    platform,
    dataDir,
    async close() {
      await platform.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Path of a fixture; tests run from `dist-test`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../test/fixtures/${name}.ts`, import.meta.url))
}
