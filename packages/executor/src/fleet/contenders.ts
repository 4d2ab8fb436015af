import type { Tenant } from '../limiter/tenant.ts'
import type { VersionPool } from './version-pool.ts'

/**
 * Versions that need a sandbox while there is no place for one more, and whose turn it is. The place goes to the tenant that
 * holds the fewest sandboxes, there to the function that holds the fewest (max-min fairness); who waited longest is first
 * among equals. Equal shares are left alone: to pass a place on costs a cold start.
 */
export class Contenders {
  readonly #tenants = new Map<Tenant, Set<VersionPool>>()

  get isEmpty(): boolean {
    return this.#tenants.size === 0
  }

  add(pool: VersionPool): void {
    const { tenant } = pool.gate
    let pools = this.#tenants.get(tenant)
    if (pools === undefined) this.#tenants.set(tenant, (pools = new Set()))
    pools.add(pool)
  }

  delete(pool: VersionPool): void {
    const { tenant } = pool.gate
    const pools = this.#tenants.get(tenant)
    if (pools?.delete(pool) === true && pools.size === 0) this.#tenants.delete(tenant)
  }

  /** Who gets a place that is free. */
  next(): VersionPool | undefined {
    // Ends early at a tenant without a sandbox: no more tenants than there are sandboxes come before it.
    let poorest: Tenant | undefined
    for (const tenant of this.#tenants.keys()) {
      if (poorest !== undefined && tenant.held >= poorest.held) continue
      if (this.#nextOf(tenant) === undefined) continue
      poorest = tenant
      if (tenant.held === 0) break
    }
    return poorest === undefined ? undefined : this.#nextOf(poorest)
  }

  /** Who has a better claim on the place of a sandbox than the version it belongs to. */
  claimOn(holder: VersionPool): VersionPool | undefined {
    const { tenant } = holder.gate
    const next = this.next()
    if (next === undefined) return undefined
    if (next.gate.tenant !== tenant && next.gate.tenant.held < tenant.held) return next
    const own = this.#nextOf(tenant)
    // A call that was given back needs another sandbox than this, in which something has run.
    const isBetter = own === holder ? own.returned.length > 0 : own !== undefined && isPoorer(own, holder)
    return isBetter ? own : undefined
  }

  #nextOf(tenant: Tenant): VersionPool | undefined {
    const pools = this.#tenants.get(tenant)
    let poorest: VersionPool | undefined
    for (const pool of pools ?? []) {
      // Its calls gave up, or were served by a sandbox it had.
      if (!pool.needsStart) this.delete(pool)
      else if (poorest === undefined || isPoorer(pool, poorest)) poorest = pool
      if (poorest?.gate.held === 0) break
    }
    return poorest
  }
}

function isPoorer(one: VersionPool, other: VersionPool): boolean {
  return one.gate === other.gate ? one.sandboxes.size < other.sandboxes.size : one.gate.held < other.gate.held
}
