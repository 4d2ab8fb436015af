import type { FunctionInfo, Platform } from '@cordon/contracts'

/** Remembers which kind a version turned out to have. */
export interface LearnedKinds {
  get(platform: Platform, info: FunctionInfo): 'json' | 'http' | undefined
  learn(platform: Platform, info: FunctionInfo, kind: 'json' | 'http'): void
}

/** Versions remembered per platform; the oldest is forgotten and asked again. */
const maxVersions = 1000

/** Creates an empty memory. A version never changes, so what was learned stays true. */
export function createLearnedKinds(): LearnedKinds {
  const byPlatform = new WeakMap<Platform, Map<string, 'json' | 'http'>>()
  return {
    get: (platform, info) => byPlatform.get(platform)?.get(info.version),
    learn(platform, info, kind) {
      const kinds = byPlatform.get(platform) ?? new Map<string, 'json' | 'http'>()
      byPlatform.set(platform, kinds)
      kinds.set(info.version, kind)
      const oldest = kinds.keys().next()
      if (kinds.size > maxVersions && oldest.done !== true) kinds.delete(oldest.value)
    },
  }
}
