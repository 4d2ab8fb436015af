import type { SandboxReport } from '@cordon/contracts'

/** One process to start. A level only decides what stands in front of Node and under which user it runs. */
export interface SpawnSpec {
  /** All arguments of Node: flags first, then `-e` and the script. */
  readonly nodeArguments: readonly string[]
  /** The whole environment of the process; nothing of the host's own is added. */
  readonly environment: Readonly<Record<string, string>>
  /** Memory above an idle sandbox that the process may use, in MiB. */
  readonly memoryMb: number
  /** Cores that the process may use; left out: those of the host. Only the launcher level can hold it there. */
  readonly cpus?: readonly number[]
  /** Number of the process that starts it and that it must not outlive; left out: this one. */
  readonly parent?: number
}

/** How a level starts a process. */
export interface SpawnCommand {
  readonly file: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** User and group to run as; left out: those of the host. */
  readonly uid?: number
  readonly gid?: number
  /** Nothing it could start would be left when it is killed, because it can start nothing. */
  readonly isAlone?: boolean
}

/** A way to confine sandbox processes; SECURITY.md describes the two levels. */
export interface Hardening {
  readonly level: SandboxReport['level']
  /** What is enforced here and what is not, as the self-test saw it. */
  report(): SandboxReport
  command(spec: SpawnSpec): SpawnCommand
}

/** Whether a level can be used on this machine. */
export type HardeningProbe =
  | { readonly kind: 'available'; readonly hardening: Hardening }
  | { readonly kind: 'unavailable'; /** What is missing and how to get it. */ readonly missing: SandboxReport['missing'] }
