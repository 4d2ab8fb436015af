import type { FunctionDetails, FunctionInfo, Platform } from '@cordon/contracts'
import type { FunctionCaller } from './caller.ts'

/** The live functions that a caller may call, by name. What he may not call does not exist for him. */
export async function visibleFunctions({ platform, mayCall }: Pick<FunctionCaller, 'platform' | 'mayCall'>): Promise<readonly FunctionInfo[]> {
  return (await platform.functions.list()).filter(({ manifest }) => mayCall(manifest.config.access))
}

/** A function with its schemas; `undefined` when it was removed meanwhile. */
export async function detailsOf(platform: Platform, { name, version }: FunctionInfo): Promise<FunctionDetails | undefined> {
  try {
    const details = await platform.functions.get(name)
    // Another version may have other schemas; it comes with the next list.
    return details.version === version ? details : undefined
  } catch {
    return undefined
  }
}

/** What changes when one of the functions does. */
export function fingerprintOf(functions: readonly FunctionInfo[]): string {
  return functions.map(({ name, version }) => `${name}@${version}`).join('\n')
}
