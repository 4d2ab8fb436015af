import type { ExecutableVersion } from '@cordon/contracts'

/** A function's own database deadline ends before its own, so that it can still answer. */
const databaseMarginMs = 100
/** Names that would change Node or the loader if they ever reached a real environment. */
const refused = /^(?:NODE_|LD_|DYLD_|OPENSSL_|SSL_CERT_|UV_)|^(?:PATH|HOME|__proto__)$/

/** `process.env` inside a sandbox. It travels in the load frame; the environment of the process itself stays literal. */
export function loadEnvironment(version: ExecutableVersion): Record<string, string> {
  const { timeoutMs, memoryMb } = version.limits
  const env: Record<string, string> = {
    NODE_ENV: 'production',
    TZ: 'UTC',
    FUNCTION_TIMEOUT_MS: String(timeoutMs),
    FUNCTION_MAX_MEMORY_MB: String(memoryMb),
    DB_TIMEOUT_MS: String(Math.max(1, timeoutMs - databaseMarginMs)),
    CORDON_RESTRICTED: '1',
  }
  for (const [name, value] of Object.entries(version.env)) if (!refused.test(name)) env[name] = value
  return env
}
