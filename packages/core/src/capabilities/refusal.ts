import { PlatformError } from '@cordon/contracts'

/** The refusal of what was not granted; the message says what to do about it. */
export function denied(message: string): PlatformError {
  return new PlatformError('CAPABILITY_DENIED', message)
}

/** The argument of a call is not what the method takes. */
export function invalidArgument(method: string, expected: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `Cannot call ${show(method)}: expected ${expected}`)
}

/** A name that came from a sandbox, for a message. */
export function show(name: unknown): string {
  return JSON.stringify(String(name).slice(0, 80))
}
