import type { SandboxEvent } from '@cordon/contracts'
import type { Death, Sandbox, SandboxOwner } from '../sandbox/sandbox.ts'
import { Watchdog } from '../sandbox/watchdog.ts'
import { Boots, type BootOptions, type Booting } from './boots.ts'
import { sweepIdle } from './eviction.ts'
import { sandboxEvent } from './sandbox-event.ts'

/** What a population needs. Times in milliseconds. */
export interface PopulationOptions extends BootOptions {
  readonly maxSandboxes: number
  readonly idleMs: number
  readonly onSandbox: ((event: SandboxEvent) => void) | undefined
}

/** Which sandboxes there are: how many more may be, who watches them, and who is told about them. */
export class Population {
  readonly boots: Boots
  readonly watchdog = new Watchdog()
  readonly #options: PopulationOptions
  readonly #owner: SandboxOwner
  readonly #all = new Set<Sandbox>()
  readonly #living = new Set<Sandbox>()
  /** Nothing is started any more. */
  isClosed = false
  /** Processes that ended. */
  killed = 0

  constructor(options: PopulationOptions, owner: SandboxOwner) {
    this.#options = options
    this.#owner = owner
    this.boots = new Boots(options)
  }

  /** Those whose process is there. */
  get all(): ReadonlySet<Sandbox> {
    return this.#all
  }

  /** Those that were not told to die. */
  get living(): ReadonlySet<Sandbox> {
    return this.#living
  }

  /** Whether one more sandbox may live. */
  get hasRoom(): boolean {
    return this.#living.size < this.#options.maxSandboxes
  }

  /** Whether a process may be started that nobody waits for. */
  get hasRoomToSpare(): boolean {
    return !this.isClosed && this.#all.size < this.#options.maxSandboxes && this.boots.backOff.pauseMs === 0
  }

  /** Starts a process for a sandbox of a size in MiB. */
  boot(memoryMb: number): Booting {
    const booting = this.boots.start(memoryMb, this.#owner)
    this.#all.add(booting.sandbox)
    this.#living.add(booting.sandbox)
    return booting
  }

  /** The process of a sandbox exists. */
  spawned(sandbox: Sandbox): void {
    this.report(sandbox, 'booting')
  }

  /** A sandbox will be killed. */
  dying(sandbox: Sandbox): void {
    this.#living.delete(sandbox)
  }

  /** A process is gone. */
  died(sandbox: Sandbox, death: Death): void {
    this.#all.delete(sandbox)
    this.watchdog.unwatch(sandbox)
    this.killed++
    // Nobody was told about one that never existed.
    if (sandbox.isSpawned) this.report(sandbox, 'dead', death)
    this.boots.died(sandbox, death)
  }

  /** Lets those go that were idle too long, or are not idle although nothing runs in them. */
  sweep(): void {
    sweepIdle(this.#all, this.#options.idleMs)
  }

  /** Tells whoever listens about a new state. */
  report(sandbox: Sandbox, state: SandboxEvent['state'], death?: Death): void {
    this.#options.onSandbox?.(sandboxEvent(sandbox, state, death))
  }

  /** Kills all of them; resolves when every process is gone. */
  async destroy(): Promise<void> {
    this.isClosed = true
    this.boots.close()
    for (const sandbox of this.#all) {
      const what = sandbox.isBusy ? 'finish the invocation: the platform was closed' : 'go on: the platform is closing'
      sandbox.kill('CLOSED', `Cannot ${what}`, {})
    }
    await Promise.all([...this.#all].map((sandbox) => sandbox.gone()))
  }
}
