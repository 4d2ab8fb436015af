import type { SandboxEvent } from '@cordon/contracts'
import type { Death, Sandbox } from '../sandbox/sandbox.ts'

/** What is told about a change in the life of a sandbox. */
export function sandboxEvent(sandbox: Sandbox, state: SandboxEvent['state'], death: Death | undefined): SandboxEvent {
  const { pid, version } = sandbox
  return {
    pid,
    state,
    ...(version === undefined ? {} : { tenant: version.tenant, function: version.function, version: version.version }),
    ...(death === undefined ? {} : { reason: death.code }),
  }
}
