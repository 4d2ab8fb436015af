import type { TenantExportItem, TenantInfo } from '@cordon/contracts'
import type { PooledFunctionDatabase } from '@cordon/pool'
import type { CountedFunction } from '../observe/busiest.ts'
import { secretsChanged, type Change } from '../store/change-log.ts'
import { Doubts } from '../store/doubts.ts'
import { exportTenant } from '../store/export-tenant.ts'
import { loadFunctions } from '../store/load-functions.ts'
import { TenantStore } from '../store/tenant-store.ts'
import { createTenantParts, type SharedParts, type TenantParts } from './tenant-parts.ts'

/** The tenants of a host: their parts in memory, and what can be done with a whole tenant. */
export class Tenants {
  readonly #shared: SharedParts
  readonly #database: PooledFunctionDatabase
  readonly #store: TenantStore
  readonly #parts = new Map<string, TenantParts>()
  /** Tenants of which nobody knows whether they were removed. */
  readonly #doubts = new Doubts(async (tenant) => {
    await this.apply({ tenant, function: null })
    this.#doubts.settle(tenant)
  })

  constructor(shared: SharedParts, database: PooledFunctionDatabase) {
    this.#shared = shared
    this.#database = database
    this.#store = new TenantStore(shared.sql, shared.host)
  }

  /** The same parts for every handle of a tenant, as long as the host runs: also when it has nothing, or nothing any more. */
  of(id: string): TenantParts {
    let parts = this.#parts.get(id)
    if (parts === undefined) {
      parts = createTenantParts(id, this.#shared)
      this.#parts.set(id, parts)
    }
    return parts
  }

  all(): Iterable<TenantParts> {
    return this.#parts.values()
  }

  get count(): number {
    return this.#parts.size
  }

  /** Those of all tenants, with what they did. */
  *functions(): Iterable<CountedFunction> {
    for (const { id, registry } of this.#parts.values()) for (const { name, tally } of registry.all()) yield { tenant: id, name, tally }
  }

  get functionCount(): number {
    let count = 0
    for (const { registry } of this.#parts.values()) count += registry.size
    return count
  }

  list(): Promise<readonly TenantInfo[]> {
    return this.#store.list()
  }

  get(id: string): Promise<TenantInfo | undefined> {
    return this.#store.get(id)
  }

  async *export(id: string): AsyncGenerator<TenantExportItem, undefined> {
    yield* exportTenant(this.#shared.sql, id)
    for await (const row of this.#database.export(id)) yield { kind: 'database', row }
    return undefined
  }

  /** Deletes everything of a tenant, here and in the database; repeated, it finishes what was interrupted. */
  async remove(id: string): Promise<void> {
    const { buffer } = this.#shared
    const { deployer } = this.of(id)
    // Before the barrier, behind which the records of all tenants wait.
    await this.#store.removeRecords(id)
    // First nothing can be called any more, so that nothing is written or created anew behind the deletion.
    buffer.forget(id)
    await this.#doubts.watch(
      id,
      buffer.barrier(() => this.#store.remove(id)),
    )
    await deployer.syncAll([])
    await this.#shared.vault.reload(id)
    buffer.forget(id)
    await this.#database.remove(id)
  }

  /** Brings into memory what another host changed. */
  async apply({ tenant, function: name }: Change): Promise<void> {
    const { deployer } = this.of(tenant)
    if (name === null || name === secretsChanged) await this.#shared.vault.reload(tenant)
    if (name === secretsChanged) return
    if (name === null) await deployer.syncAll([])
    else await deployer.sync(name)
  }

  /** Brings everything into memory. */
  async applyAll(): Promise<void> {
    await this.#shared.vault.open()
    const stored = await loadFunctions(this.#shared.sql)
    for (const id of new Set([...this.#parts.keys(), ...stored.keys()])) {
      await this.of(id).deployer.syncAll((stored.get(id) ?? []).map(({ name }) => name))
    }
  }
}
