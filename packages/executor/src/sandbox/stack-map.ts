import { PlatformError, type Bundle, type ErrorCode } from '@cordon/contracts'
import type { ErrorDescription } from './failure.ts'

/** Error of an invocation from what the sandbox said about an exception. */
export function describeFailure(code: ErrorCode, message: string, error: ErrorDescription, bundle: Bundle | undefined): PlatformError {
  void bundle
  return new PlatformError(code, message, { details: { error } })
}
