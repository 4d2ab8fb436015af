import type { Limits } from '@cordon/contracts'
import type { Call } from '../sandbox/call.ts'
import { Line } from './line.ts'
import { Pace } from './pace.ts'
import type { Tenant } from './tenant.ts'

/** Concurrency of one function: so many calls are let in, the others stand in line. */
export class Gate {
  readonly key: string
  readonly tenant: Tenant
  /** Calls that were let in and are not over. */
  running = 0
  /** Sandboxes of all its versions that live or are on their way. */
  held = 0
  /** Calls that were not let in yet. */
  readonly line = new Line<Call>()
  /** Every line that its calls stand in: this one, and those of its versions for calls that were let in and wait for a sandbox. */
  readonly lines = new Set<Line<Call>>([this.line])
  /** How long its calls run. */
  readonly pace = new Pace()

  constructor(key: string, tenant: Tenant) {
    this.key = key
    this.tenant = tenant
  }

  /** Whether the function's own limit allows one more call. */
  hasRoom(limits: Limits): boolean {
    return this.running < limits.concurrency
  }

  /** Whether nobody needs it. */
  get isUnused(): boolean {
    return this.running === 0 && this.lines.size === 1 && this.line.length === 0
  }

  /** Of the calls that stand in its lines, the one that came last. */
  get newest(): Call | undefined {
    // Whoever was let in came before everybody who was not.
    let newest = this.line.last
    if (newest === undefined) for (const { last } of this.lines) if (last !== undefined && last.acceptedAt >= (newest?.acceptedAt ?? 0)) newest = last
    return newest
  }
}
