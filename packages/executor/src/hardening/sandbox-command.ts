import { readFileSync } from 'node:fs'
import { PlatformError } from '@cordon/contracts'
import type { Hardening, SpawnCommand } from './hardening.ts'
import { confiningNodeFlags, heapFlags, sandboxEnvironment } from './node-flags.ts'

/** Text of the runtime that runs inside a sandbox. */
export type RuntimeSource = string

/**
 * Reads the bundled runtime.
 *
 * @throws PlatformError SANDBOX_FAILED when it was not built
 */
export function readRuntime(): RuntimeSource {
  try {
    return readFileSync(new URL('../runtime.js', import.meta.url), 'utf8')
  } catch (error) {
    throw new PlatformError('SANDBOX_FAILED', 'Cannot start sandboxes: dist/runtime.js of @cordon/executor is missing; run "npm run build"', {
      cause: error,
    })
  }
}

/** How a sandbox of a size in MiB is started, by this process or another one. */
export function sandboxCommand(hardening: Hardening, runtime: RuntimeSource, memoryMb: number, parent = process.pid): SpawnCommand {
  return hardening.command({
    parent,
    nodeArguments: [...confiningNodeFlags(), ...heapFlags(memoryMb), '-e', runtime],
    environment: sandboxEnvironment,
    memoryMb,
  })
}
