import { createHash } from 'node:crypto'
import { isRecord, type Bundle, type ResolvedFunctionConfig, type Schemas } from '@cordon/contracts'

/** `v_` and the first 16 hex digits of SHA-256 over code, configuration and schemas: the same content is the same version everywhere. */
export function versionId(bundle: Pick<Bundle, 'code'>, config: ResolvedFunctionConfig, schemas: Schemas): string {
  const hash = createHash('sha256')
  // Lengths first, so that no two splits of the same bytes are one content.
  for (const part of [bundle.code, canonicalJson(config), canonicalJson(schemas)]) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return `v_${hash.digest('hex').slice(0, 16)}`
}

/** JSON whose keys are in order, so that the order in which they were written does not count. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    isRecord(one) ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1))) : one,
  )
}
