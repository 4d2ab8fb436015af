import type { SpawnCommand } from '../hardening/hardening.ts'

/** What the host asks of its reaper. `id` is the host's own number for a process that the reaper starts. */
export type ToReaper =
  | { readonly kind: 'start'; readonly id: number; readonly command: SpawnCommand }
  | { readonly kind: 'kill'; readonly id: number }
  | WatchMessage
  | { readonly kind: 'unwatch'; readonly pid: number }
  /** A directory that goes when the host is gone. */
  | { readonly kind: 'remove'; readonly directory: string }
  | { readonly kind: 'close' }

/** A process of the host itself that must not outlive it. */
export interface WatchMessage {
  readonly kind: 'watch'
  readonly pid: number
  /** When it was started, see `startTimeOf`. */
  readonly startTime: string
  /** Sent first; what lives on after a grace gets SIGKILL. */
  readonly signal: 'SIGKILL' | 'SIGQUIT'
}

/** What a reaper says about the processes that it starts. */
export type FromReaper =
  /** It exists; the channel comes with this message. */
  | { readonly kind: 'started'; readonly id: number; readonly pid: number; readonly startTime: string }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string | undefined; readonly message: string }
  /** It prints more than a sandbox may. */
  | { readonly kind: 'flooded'; readonly id: number }
  | Ended

/** A process is gone. */
export interface Ended {
  readonly kind: 'ended'
  readonly id: number
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The start of what it printed. */
  readonly printed: string
}
