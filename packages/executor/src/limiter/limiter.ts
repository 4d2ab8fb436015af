import type { ExecutableVersion } from '@cordon/contracts'
import type { Call } from '../sandbox/call.ts'
import { Gate } from './gate.ts'
import { Tenant } from './tenant.ts'
import { WaitingRoom } from './waiting-room.ts'

/** The limits of all tenants and functions that are called, and the waiting room they share. */
export class Limiter {
  readonly room: WaitingRoom
  readonly #tenantConcurrency: number
  readonly #tenants = new Map<string, Tenant>()

  constructor(options: { readonly maxWaiting: number; readonly tenantConcurrency: number }) {
    this.room = new WaitingRoom(options.maxWaiting)
    this.#tenantConcurrency = options.tenantConcurrency
  }

  /** The gate of the function that a version belongs to. */
  gateOf(version: ExecutableVersion): Gate {
    let tenant = this.#tenants.get(version.tenant)
    if (tenant === undefined) this.#tenants.set(version.tenant, (tenant = new Tenant(version.tenant, this.#tenantConcurrency)))
    let gate = tenant.gates.get(version.function)
    if (gate === undefined) tenant.gates.set(version.function, (gate = new Gate(version.function, tenant)))
    return gate
  }

  /** Drops a gate that nobody needs any more. */
  forget(gate: Gate): void {
    const { tenant } = gate
    if (!gate.isUnused) return
    tenant.gates.delete(gate.key)
    if (tenant.gates.size === 0) this.#tenants.delete(tenant.id)
  }

  /** Calls that were not let in yet. */
  get queued(): number {
    let queued = 0
    for (const gate of this.#gates()) queued += gate.line.length
    return queued
  }

  /** Takes all calls that were not let in out of their lines. */
  drain(): Call[] {
    const calls: Call[] = []
    for (const gate of this.#gates()) {
      for (let call = gate.line.shift(); call !== undefined; call = gate.line.shift()) {
        this.room.leave(gate)
        calls.push(call)
      }
    }
    return calls
  }

  *#gates(): Iterable<Gate> {
    for (const tenant of this.#tenants.values()) yield* tenant.gates.values()
  }
}
