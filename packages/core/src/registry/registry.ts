import {
  invalidOption,
  PlatformError,
  type Bundle,
  type ExecutableVersion,
  type FunctionDetails,
  type FunctionInfo,
  type Limits,
  type Manifest,
  type VersionInfo,
} from '@cordon/contracts'
import { newTally, type FunctionTally } from '../observe/meters.ts'
import type { StoredFunction, StoredVersion } from '../store/function-store.ts'
import type { LimitCeilings } from '../policy/limit-ceilings.ts'
import type { BundleCache } from './bundle-cache.ts'
import { freezeDeeply } from './freeze-deeply.ts'
import { shownName } from './shown-name.ts'

/** A version in memory: all but its code. The executor recognises it by identity, so there is one object per version. */
export class RegisteredVersion implements ExecutableVersion {
  readonly tenant: string
  readonly function: string
  readonly version: string
  readonly limits: Limits
  readonly env: Readonly<Record<string, string>>
  /** Replaced when only its label changes. */
  stored: StoredVersion
  /** True when its function is gone: what still runs of it gets nothing more. */
  isRemoved = false
  readonly #bundles: BundleCache

  constructor(name: string, stored: StoredVersion, { tenant, limits, ceilings, bundles }: RegistryOptions) {
    this.tenant = tenant
    this.function = name
    this.version = stored.version
    this.limits = limitsOf(stored.manifest, limits, ceilings)
    this.env = stored.manifest.config.env
    // What was approved stays what it is: callers get to see this very object.
    freezeDeeply(stored.manifest)
    this.stored = stored
    this.#bundles = bundles
  }

  loadBundle(): Promise<Bundle> {
    return this.#bundles.get(this)
  }
}

/** A function in memory. */
export interface RegisteredFunction {
  readonly name: string
  readonly createdAt: number
  updatedAt: number
  live: RegisteredVersion
  /** Oldest first. */
  readonly versions: Map<string, RegisteredVersion>
  isRemoved: boolean
  readonly tally: FunctionTally
}

/** What is needed to put a version into memory. */
export interface RegistryOptions {
  readonly tenant: string
  readonly limits: Limits
  /** The most that `config` gets. */
  readonly ceilings: LimitCeilings
  readonly bundles: BundleCache
}

/** Functions and versions of one tenant in memory: what a call resolves against. */
export class FunctionRegistry {
  readonly #options: RegistryOptions
  readonly #functions = new Map<string, RegisteredFunction>()

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  names(): string[] {
    return [...this.#functions.keys()]
  }

  all(): Iterable<RegisteredFunction> {
    return this.#functions.values()
  }

  get size(): number {
    return this.#functions.size
  }

  load(functions: readonly StoredFunction[]): void {
    for (const { name, live, createdAt, updatedAt, versions } of functions) {
      const entries = new Map(versions.map((stored) => [stored.version, this.#register(name, stored)]))
      const current = entries.get(live)
      if (current !== undefined)
        this.#functions.set(name, { name, createdAt, updatedAt, live: current, versions: entries, isRemoved: false, tally: newTally() })
    }
  }

  /** @throws PlatformError FUNCTION_NOT_FOUND */
  get(name: string): RegisteredFunction {
    const found = this.#functions.get(name)
    if (found !== undefined) return found
    if (typeof name !== 'string') throw invalidOption('name', 'the name of a function', name)
    throw new PlatformError('FUNCTION_NOT_FOUND', `Cannot find function ${shownName(name)}: nothing is deployed under this name`, {
      details: { function: name },
    })
  }

  find(name: string): RegisteredFunction | undefined {
    return this.#functions.get(name)
  }

  /** @throws PlatformError FUNCTION_NOT_FOUND, VERSION_NOT_FOUND */
  version(name: string, version: string): RegisteredVersion {
    const found = this.get(name).versions.get(version)
    if (found !== undefined) return found
    if (typeof version !== 'string') throw invalidOption('version', 'the id of a version', version)
    throw new PlatformError('VERSION_NOT_FOUND', `Cannot find version ${shownName(version)} of "${name}": it has no such version`, {
      details: { function: name, version },
    })
  }

  /** Makes a version live and returns it with the one that was live before. */
  switch(name: string, stored: StoredVersion, time: number): { readonly live: RegisteredVersion; readonly before: RegisteredVersion | undefined } {
    const known = this.#functions.get(name)
    if (known === undefined) {
      const live = this.#register(name, stored)
      this.#functions.set(name, {
        name,
        createdAt: time,
        updatedAt: time,
        live,
        versions: new Map([[live.version, live]]),
        isRemoved: false,
        tally: newTally(),
      })
      return { live, before: undefined }
    }
    const before = known.live
    const live = known.versions.get(stored.version) ?? this.#register(name, stored)
    if (live.stored !== stored) live.stored = stored
    known.versions.set(live.version, live)
    known.live = live
    known.updatedAt = time
    return { live, before }
  }

  remove(name: string): void {
    const known = this.#functions.get(name)
    if (known === undefined) return
    known.isRemoved = true
    this.#functions.delete(name)
    for (const version of known.versions.values()) {
      version.isRemoved = true
      this.#options.bundles.delete(version)
    }
  }

  /**
   * Takes over what the store says of a function, which another host may have changed; `undefined`: it is gone. Gives the versions whose sandboxes
   * are no longer wanted, and what was and is live.
   */
  sync(
    name: string,
    stored: StoredFunction | undefined,
  ): {
    readonly unwanted: readonly RegisteredVersion[]
    readonly before: RegisteredVersion | undefined
    readonly live: RegisteredVersion | undefined
  } {
    const known = this.#functions.get(name)
    const before = known?.live
    // Of the same name and another time: it was removed and deployed anew.
    if (known === undefined || known.createdAt !== stored?.createdAt) {
      this.remove(name)
      if (stored !== undefined) this.load([stored])
      return { unwanted: [...(known?.versions.values() ?? [])], before, live: this.#functions.get(name)?.live }
    }
    for (const version of stored.versions) {
      const there = known.versions.get(version.version)
      if (there === undefined) known.versions.set(version.version, this.#register(name, version))
      else if (there.stored.label !== version.label) there.stored = { ...there.stored, label: version.label }
    }
    known.live = known.versions.get(stored.live) ?? known.live
    known.updatedAt = stored.updatedAt
    return { unwanted: before === undefined || before === known.live ? [] : [before], before, live: known.live }
  }

  list(): FunctionInfo[] {
    return [...this.#functions.values()].map(describe).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Newest first. @throws PlatformError FUNCTION_NOT_FOUND */
  versions(name: string): VersionInfo[] {
    const { live, versions } = this.get(name)
    return [...versions.values()].toReversed().map(({ version, stored }) => {
      return {
        version,
        live: version === live.version,
        createdAt: stored.createdAt,
        label: stored.label,
        bytes: stored.bytes,
        manifest: stored.manifest,
      }
    })
  }

  #register(name: string, stored: StoredVersion): RegisteredVersion {
    return new RegisteredVersion(name, stored, this.#options)
  }
}

/** A function as lists show it. */
function describe({ name, live, createdAt, updatedAt }: RegisteredFunction): FunctionInfo {
  return { name, version: live.version, createdAt, updatedAt, manifest: live.stored.manifest }
}

/** A function with its schemas. */
export function describeFully({ name, live, createdAt, updatedAt }: RegisteredFunction): FunctionDetails {
  // Written out: calls over HTTP ask for it, and copying the shorter one takes longer than all the rest.
  return { name, version: live.version, createdAt, updatedAt, manifest: live.stored.manifest, schemas: live.stored.schemas }
}

function limitsOf(manifest: Manifest, defaults: Limits, ceilings: LimitCeilings): Limits {
  const { timeoutMs, memoryMb, instanceConcurrency, reuse } = manifest.config
  return Object.freeze({
    ...defaults,
    timeoutMs: timeoutMs === undefined ? defaults.timeoutMs : Math.min(timeoutMs, ceilings.timeoutMs),
    memoryMb: memoryMb === undefined ? defaults.memoryMb : Math.min(memoryMb, ceilings.memoryMb),
    instanceConcurrency: instanceConcurrency ?? defaults.instanceConcurrency,
    // A function may ask for more isolation than the host, never for less.
    reuse: defaults.reuse && reuse !== false,
  })
}
