/** Flags of Node that take authority away, as far as this Node knows them. No path is readable, no child, worker or WASI is allowed. */
export function confiningNodeFlags(): string[] {
  const known = process.allowedNodeEnvironmentFlags
  const flags = [known.has('--permission') ? '--permission' : '--experimental-permission', '--no-addons', '--no-warnings', '--input-type=commonjs']
  // Flags that only newer lines have; without the check an older Node would refuse to start.
  for (const flag of ['--no-experimental-sqlite', '--disable-sigusr1']) if (known.has(flag)) flags.push(flag)
  return flags
}

/** Heap flags of a sandbox. The young generation is kept small: an idle sandbox then stays at about 9 MiB of private memory. */
export function heapFlags(memoryMb: number): string[] {
  return [`--max-old-space-size=${memoryMb}`, '--max-semi-space-size=2']
}

/**
 * The literal environment of a sandbox process. OPENSSL_CONF: Node exits with 13 where `/etc` is not readable. TZ: the
 * zone file is not readable, and functions should not see where the host stands.
 */
export const sandboxEnvironment: Readonly<Record<string, string>> = Object.freeze({
  OPENSSL_CONF: '/dev/null',
  TZ: 'UTC',
  ...(process.platform === 'win32' && process.env['SystemRoot'] !== undefined ? { SystemRoot: process.env['SystemRoot'] } : {}),
})
