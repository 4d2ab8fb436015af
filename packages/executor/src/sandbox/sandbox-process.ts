import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { SandboxReport } from '@cordon/contracts'

/** What keeps sandboxes apart from the host. */
export interface Isolation {
  readonly report: () => SandboxReport
  /** Starts what a sandbox of a size in MiB runs in. */
  readonly spawn: (memoryMb: number) => SandboxProcess
}

/** What a sandbox hears of what it runs in; nothing before the turn in which it was asked for is over. */
export interface ProcessEvents {
  /** It exists: what carries its frames, and its number, which a thread does not have. */
  start: [channel: Duplex, pid: number | undefined]
  /** It could not be started, or was lost later. Nothing follows. */
  fail: [error: Error]
  /** It prints more than a sandbox may. */
  flood: []
  /** It has ended. */
  exit: [code: number | null, signal: NodeJS.Signals | null]
  /** It has ended, and nothing more can come through the channel. */
  close: [code: number | null, signal: NodeJS.Signals | null]
}

/** What a sandbox runs in, as its host holds it: an operating-system process, or a thread that looks like one. */
export interface SandboxProcess {
  readonly events: EventEmitter<ProcessEvents>
  /** The start of what it printed by itself, as far as that is known; complete with `close`. */
  readonly printed: string
  /** Ends it now, with everything it started. Does nothing when it is gone. */
  kill(): void
}
