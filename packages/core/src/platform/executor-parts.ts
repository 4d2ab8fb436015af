import type { Executor, Limits, Logger, Reaper, ResolvedPlatformOptions, SandboxEvent } from '@cordon/contracts'

/** What core gives the executor. */
export interface ExecutorSetup {
  readonly hardening: ResolvedPlatformOptions['hardening']
  readonly limits: Limits
  readonly reaper: Reaper
  readonly logger: Logger
  readonly onSandbox: (event: SandboxEvent) => void
}

interface ExecutorModule {
  createExecutor(setup: ExecutorSetup): Executor | Promise<Executor>
  createReaper(): Reaper | Promise<Reaper>
}

/** Loads the executor on first use. */
export async function loadExecutor(): Promise<ExecutorModule> {
  // The package is being written: until its index names both functions, only this file knows that they are missing.
  return (await import('@cordon/executor')) as unknown as ExecutorModule
}
