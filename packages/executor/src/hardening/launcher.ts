import type { HardeningProbe } from './hardening.ts'

/** Finds out, once per host process, whether the launcher holds on this machine. */
export async function probeLauncher(): Promise<HardeningProbe> {
  return { kind: 'unavailable', missing: [{ what: 'launcher', why: 'this build has no launcher program' }] }
}
