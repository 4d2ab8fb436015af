import type { RegisteredVersion } from '../registry/registry.ts'
import type { Vault } from './vault.ts'

/** The values that a version may read: those that its manifest names and that are set; `undefined` for none, which is most of them. */
export function grantedSecrets(vault: Vault, { tenant, stored }: RegisteredVersion): Readonly<Record<string, string>> | undefined {
  const { secrets } = stored.manifest
  if (secrets.length === 0) return undefined
  const values = vault.of(tenant)
  return Object.fromEntries(secrets.flatMap((name) => (values.has(name) ? [[name, values.get(name) ?? '']] : [])))
}
