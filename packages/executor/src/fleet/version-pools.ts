import type { ExecutableVersion } from '@cordon/contracts'
import type { Limiter } from '../limiter/limiter.ts'
import { VersionPool } from './version-pool.ts'

/** The pools of all versions that are called or kept warm. */
export class VersionPools {
  readonly #limiter: Limiter
  readonly #pools = new Map<string, VersionPool>()
  /** Spares the hot path the composition of a key. */
  readonly #known = new WeakMap<ExecutableVersion, VersionPool>()

  constructor(limiter: Limiter) {
    this.#limiter = limiter
  }

  /** The pool of a version, made when there is none. */
  of(version: ExecutableVersion): VersionPool {
    const known = this.#known.get(version)
    if (known !== undefined && !known.isForgotten) return known
    const key = keyOf(version)
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      pool = new VersionPool(key, version, this.#limiter.gateOf(version))
      this.#pools.set(key, pool)
    }
    this.#known.set(version, pool)
    return pool
  }

  /** The pool of a version, if there is one. */
  find(version: ExecutableVersion | undefined): VersionPool | undefined {
    if (version === undefined) return undefined
    const known = this.#known.get(version)
    return known !== undefined && !known.isForgotten ? known : this.#pools.get(keyOf(version))
  }

  /** Drops a pool that holds nothing that has to be remembered. */
  forgetIfUnused(pool: VersionPool): void {
    if (!pool.isUnused || pool.isForgotten) return
    pool.forget()
    this.#pools.delete(pool.key)
    this.#limiter.forget(pool.gate)
  }

  [Symbol.iterator](): Iterator<VersionPool> {
    return this.#pools.values()
  }
}

function keyOf(version: ExecutableVersion): string {
  return `${version.tenant}\0${version.function}\0${version.version}`
}
