import { PlatformError, type SandboxReport } from '@cordon/contracts'
import { createBasicHardening } from './basic.ts'
import type { Hardening } from './hardening.ts'
import { probeLauncher } from './launcher.ts'

/**
 * The strongest level that holds on this machine.
 *
 * @throws PlatformError HARDENING_UNAVAILABLE when `required` and only the basic level is left
 */
export async function selectHardening(hardening: 'required' | 'best-effort' | 'basic'): Promise<Hardening> {
  if (hardening === 'basic') return createBasicHardening()
  const probe = await probeLauncher()
  if (probe.kind === 'available') return probe.hardening
  if (hardening === 'required') {
    const reasons = probe.missing.map(({ what, why }) => `${what}: ${why}`).join('; ')
    throw new PlatformError(
      'HARDENING_UNAVAILABLE',
      `Cannot start sandboxes: the launcher level is required and not available (${reasons}); it needs Linux 5.13 or newer on x64 or arm64, or allow less with hardening: 'best-effort'`,
      {
        details: { missing: probe.missing },
      },
    )
  }
  const basic = await createBasicHardening()
  const report = { ...basic.report(), missing: [...probe.missing, ...basic.report().missing] }
  return { ...basic, report: () => report }
}

/** Which level holds on this machine, and what keeps it from a higher one. */
export async function probeHardening(): Promise<SandboxReport> {
  return (await selectHardening('best-effort')).report()
}
