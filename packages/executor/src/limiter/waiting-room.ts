import type { Call } from '../sandbox/call.ts'
import type { Gate } from './gate.ts'
import { Pace } from './pace.ts'
import { Tally } from './tally.ts'
import type { Tenant } from './tenant.ts'

/** All calls of the host that do not run yet, whatever they wait for. */
export class WaitingRoom {
  readonly max: number
  size = 0
  /** How long calls wait. */
  readonly pace = new Pace()
  readonly #tenants = new Tally<Tenant>()

  constructor(max: number) {
    this.max = max
  }

  /**
   * Takes a place for a call. When all are taken, somebody has to go: the newest call of the function that has the most of
   * the tenant that has the most (longest queue drop, as in fair queueing of packets). That may be this call itself.
   */
  enter(call: Call, gate: Gate): Call | undefined {
    const loser = this.size < this.max ? undefined : this.#loser(call, gate)
    if (loser === call) return call
    this.size++
    this.#tenants.add(gate.tenant)
    gate.tenant.waiting.add(gate)
    return loser
  }

  #loser(call: Call, gate: Gate): Call {
    const { tenant } = gate
    const most = this.#tenants.most
    // As many as the others have already: then it is the newest of all.
    const isModest = most !== undefined && this.#tenants.count(tenant) + 1 < this.#tenants.count(most)
    const from = isModest ? most : tenant
    const longest = from.waiting.most
    const isOwnTurn = longest === undefined || (from === tenant && from.waiting.count(gate) + 1 >= from.waiting.count(longest))
    return isOwnTurn ? call : (longest.newest ?? call)
  }

  /** A call does not wait any more. */
  leave(gate: Gate): void {
    this.size--
    this.#tenants.remove(gate.tenant)
    gate.tenant.waiting.remove(gate)
  }
}
