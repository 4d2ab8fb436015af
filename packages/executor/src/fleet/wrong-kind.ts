import { PlatformError } from '@cordon/contracts'
import type { Call } from '../sandbox/call.ts'

/** The refusal of a call of the other kind than its function is. */
export function wrongKind(call: Call): PlatformError {
  const name = call.version.function
  return call.kind === 'json'
    ? new PlatformError('INVALID_INPUT', `Cannot invoke "${name}": it is an HTTP function; call it with platform.fetch("${name}", request)`)
    : new PlatformError('INVALID_INPUT', `Cannot fetch "${name}": it is a JSON function; call it with platform.invoke("${name}", input)`)
}
