import {
  choice,
  cpuList,
  flag,
  integer,
  resolveOptions,
  schedulingTable,
  type OptionTable,
  type PlatformError,
  type SandboxEvent,
  type SchedulingOptions,
} from '@cordon/contracts'
import type { ProcessReaper } from './reaper/reaper.ts'

/** Options of every executor, complete. */
export interface ResolvedThreadExecutorOptions extends SchedulingOptions {
  /** Memory limit that spares are booted for, in MiB. @default 128 */
  readonly spareMemoryMb: number
  /** Longest start of a sandbox in milliseconds. @default 10000 */
  readonly bootTimeoutMs: number
  /** Hears when starts begin to be spaced out because they fail again and again. @default none */
  readonly onWarning: ((message: string, error: PlatformError) => void) | undefined
  /** Hears of every step in the life of a sandbox except the change between idle and busy. @default none */
  readonly onSandbox: ((event: SandboxEvent) => void) | undefined
}

/** Options of an executor of processes, complete. */
export interface ResolvedExecutorOptions extends ResolvedThreadExecutorOptions {
  /** `required` refuses to start below the launcher level, `basic` does not try it. @default 'best-effort' */
  readonly hardening: 'required' | 'best-effort' | 'basic'
  /** Cores that sandboxes may use, by number; held at the launcher level only. @default all */
  readonly cpus: readonly number[] | undefined
  /** Keeps SIGUSR1 from opening the inspector of the host process, which a sandbox could ask for. @default true */
  readonly guardSigusr1: boolean
  /** Starts the sandboxes and kills those that outlive a killed host. @default none: the host starts them itself */
  readonly reaper: ProcessReaper | undefined
}

/** What a caller gives: any part of the options. */
export type ExecutorOptions = { readonly [K in keyof ResolvedExecutorOptions]?: ResolvedExecutorOptions[K] | undefined }

/** What a caller gives for an executor of threads: any part of the options. */
export type ThreadExecutorOptions = { readonly [K in keyof ResolvedThreadExecutorOptions]?: ResolvedThreadExecutorOptions[K] | undefined }

const threadTable: OptionTable<ResolvedThreadExecutorOptions> = {
  ...schedulingTable,
  spareMemoryMb: integer(128, { min: 16, max: 16_384 }),
  bootTimeoutMs: integer(10_000, { min: 1, max: 2_147_483_647 }),
  onWarning: { default: () => undefined, parse: (value) => value as (message: string, error: PlatformError) => void },
  onSandbox: { default: () => undefined, parse: (value) => value as (event: SandboxEvent) => void },
}

const table: OptionTable<ResolvedExecutorOptions> = {
  ...threadTable,
  hardening: choice(['required', 'best-effort', 'basic'], () => 'best-effort'),
  cpus: cpuList(),
  guardSigusr1: flag(true),
  reaper: { default: () => undefined, parse: (value) => value as ProcessReaper },
}

/** Checks options and fills in what was left out. */
export function resolveExecutorOptions(options: ExecutorOptions | undefined): ResolvedExecutorOptions {
  return resolveOptions(table, options)
}

/** The same for an executor of threads. */
export function resolveThreadExecutorOptions(options: ThreadExecutorOptions | undefined): ResolvedThreadExecutorOptions {
  return resolveOptions(threadTable, options)
}
