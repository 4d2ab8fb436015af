import type { Call } from '../sandbox/call.ts'
import type { Gate } from './gate.ts'
import { Pace } from './pace.ts'
import { Tally } from './tally.ts'

/** Concurrency of one tenant; its functions take turns. */
export class Tenant {
  readonly id: string
  /** Calls that may be let in at once, of all its functions. */
  readonly concurrency: number
  readonly gates = new Map<string, Gate>()
  /** Calls that were let in and are not over. */
  running = 0
  /** Sandboxes of all its functions that live or are on their way. */
  held = 0
  /** Its functions by the number of calls that wait, whatever they wait for. */
  readonly waiting = new Tally<Gate>()
  /** How long its calls run. */
  readonly pace = new Pace()
  /** Functions with calls in line, in the order of their turns. One that is at its own limit is passed over until a call of it ends. */
  readonly #turns = new Set<Gate>()

  constructor(id: string, concurrency: number) {
    this.id = id
    this.concurrency = concurrency
  }

  get hasRoom(): boolean {
    return this.running < this.concurrency
  }

  /** Whether calls stand in line. */
  get isQueueing(): boolean {
    return this.#turns.size > 0
  }

  /** Lets a call in at once; `false` when a limit or somebody before it stands in its way. */
  enter(call: Call, gate: Gate): boolean {
    if (!this.hasRoom || gate.line.length > 0 || !gate.hasRoom(call.version.limits)) return false
    this.#letIn(gate)
    return true
  }

  /** Lets a call stand in line. */
  queue(call: Call, gate: Gate): void {
    gate.line.push(call)
    this.#turns.add(gate)
  }

  /** A call that was let in is over. */
  leave(call: Call, gate: Gate): void {
    gate.running--
    this.running--
    if (call.dispatchedAt > 0) {
      const ms = performance.now() - call.dispatchedAt
      gate.pace.add(ms)
      this.pace.add(ms)
    }
    if (gate.line.length > 0) this.#turns.add(gate)
  }

  /** Lets in the call whose turn it is, as long as there is room. */
  next(): Call | undefined {
    while (this.hasRoom) {
      const gate = this.#turns.values().next().value
      if (gate === undefined) return undefined
      this.#turns.delete(gate)
      const call = gate.line.first
      if (call === undefined || !gate.hasRoom(call.version.limits)) continue
      gate.line.shift()
      if (gate.line.length > 0) this.#turns.add(gate)
      this.#letIn(gate)
      return call
    }
    return undefined
  }

  #letIn(gate: Gate): void {
    gate.running++
    this.running++
  }
}
