import type { SandboxReport } from '@cordon/contracts'

/** Finds out, by trying it, which level of sandbox this machine allows, and what keeps it from a higher one. */
export async function trySandbox(): Promise<SandboxReport> {
  const { probeHardening } = await import('@cordon/executor')
  return probeHardening()
}
