import type { Finding } from './finding.ts'

/** The level of the sandbox, found out by trying it, and what keeps it from being higher. */
export async function checkSandbox(): Promise<readonly Finding[]> {
  const { trySandbox } = await import('@cordon/core/doctor')
  const { level, enforced, missing } = await trySandbox()
  if (level === 'launcher')
    return [{ check: 'sandbox', state: 'ok', message: `level launcher, the highest: all ${enforced.length} walls that were tried hold` }]
  const [launcher, ...others] = missing
  const message = `level ${level}: ${launcher === undefined ? 'the launcher is not used' : launcher.why}; not enforced: ${others.map(({ what }) => what).join(', ')}`
  return [
    {
      check: 'sandbox',
      state: 'warn',
      message,
      remedy:
        'Run it on Linux 5.13 or newer (x64 or arm64), for example in a container, before functions of strangers run on it; see docs/guides/isolation.md',
    },
  ]
}
