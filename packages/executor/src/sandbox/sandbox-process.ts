import type { Duplex, Readable } from 'node:stream'
import type { SandboxReport } from '@cordon/contracts'

/** What keeps sandboxes apart from the host. */
export interface Isolation {
  readonly report: () => SandboxReport
  /** Starts what a sandbox of a size runs in. */
  readonly spawn: (memoryMb: number) => SandboxProcess
}

/** What a sandbox runs in, as its host holds it: an operating-system process, or a thread that looks like one. */
export interface SandboxProcess {
  /** Says when it ends: `exit` as soon as that is known, `close` when nothing more can come through the channel. */
  readonly child: ProcessEvents
  /** Of a process; `undefined` for a thread, and for a process that could not be started: `child` then emits `error`. */
  readonly pid: number | undefined
  /** Carries the frames. */
  readonly channel: Duplex
  readonly stdout: Readable
  readonly stderr: Readable
  /** Ends it now, with everything it started. Does nothing when it is gone. */
  kill(): void
}

/** The part of a `ChildProcess` that a sandbox listens to. */
export interface ProcessEvents {
  once(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown
}
