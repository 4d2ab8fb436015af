import { readFile } from 'node:fs/promises'
import { isRecord } from '@cordon/contracts'

/** The version of this package, which all packages of a release share. */
export async function ownVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  return isRecord(manifest) ? String(manifest['version']) : ''
}
