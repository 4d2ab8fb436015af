/** Whose fault a failure is: the caller's, the deployed function's, or the platform's. */
export type ErrorOrigin = 'caller' | 'function' | 'platform'

interface ErrorRow {
  readonly origin: ErrorOrigin
  /** True when the same call may succeed later without a change by the caller. */
  readonly retryable: boolean
  /** One line: what the code means. `docs/errors.md` repeats it; a test holds the two equal. */
  readonly title: string
}

/**
 * Every error code of the product. The only place codes are defined: the type, the documentation and the HTTP mapping
 * are all held against this table by tests. A retired code is never used again.
 */
export const errorTable = {
  // caller
  INVALID_OPTION: { origin: 'caller', retryable: false, title: 'An option or argument is unknown, missing or outside its range' },
  INVALID_INPUT: { origin: 'caller', retryable: false, title: 'The input of a call does not fit the function' },
  FUNCTION_NOT_FOUND: { origin: 'caller', retryable: false, title: 'No function with this name is deployed' },
  VERSION_NOT_FOUND: { origin: 'caller', retryable: false, title: 'The function has no such version' },
  DEPLOYMENT_REJECTED: { origin: 'caller', retryable: false, title: 'The upload was refused; the diagnostics say why' },
  ANALYSIS_LIMIT: { origin: 'caller', retryable: false, title: 'The upload is too large or too complex to be analysed' },
  PAYLOAD_TOO_LARGE: { origin: 'caller', retryable: false, title: 'The request payload exceeds the limit' },
  UNAUTHENTICATED: { origin: 'caller', retryable: false, title: 'The call needs credentials and has none that are valid' },
  FORBIDDEN: { origin: 'caller', retryable: false, title: 'The credentials do not allow this call' },
  CANCELLED: { origin: 'caller', retryable: false, title: 'The caller cancelled the call' },
  // function
  FUNCTION_ERROR: { origin: 'function', retryable: false, title: 'The function threw an exception' },
  INVALID_OUTPUT: { origin: 'function', retryable: false, title: 'The function returned a value that cannot be sent' },
  LOAD_FAILED: { origin: 'function', retryable: false, title: 'The code of the function failed while it was loaded' },
  TIMEOUT: { origin: 'function', retryable: false, title: 'The function did not finish within its deadline and was killed' },
  MEMORY_LIMIT: { origin: 'function', retryable: false, title: 'The function used more memory than its limit and was killed' },
  CRASHED: { origin: 'function', retryable: false, title: 'The process of the function ended before it gave a result' },
  PROTOCOL_VIOLATION: { origin: 'function', retryable: false, title: 'The process of the function broke the frame protocol and was killed' },
  CAPABILITY_DENIED: { origin: 'function', retryable: false, title: 'The function or the call used a capability that was not granted' },
  OUTPUT_LIMIT: { origin: 'function', retryable: false, title: 'The output of the function exceeds the limit' },
  QUERY_TIMEOUT: { origin: 'function', retryable: false, title: 'A database query exceeded its deadline and was stopped' },
  QUERY_FAILED: { origin: 'function', retryable: false, title: 'The database refused a query' },
  // platform
  OVERLOADED: { origin: 'platform', retryable: true, title: 'A queue is full; details.retryAfterMs says when to try again' },
  CLOSED: { origin: 'platform', retryable: false, title: 'The platform is closed or closing' },
  SANDBOX_FAILED: { origin: 'platform', retryable: true, title: 'A sandbox could not be started' },
  ACQUIRE_TIMEOUT: { origin: 'platform', retryable: true, title: 'No database connection became free in time' },
  STORE_UNAVAILABLE: { origin: 'platform', retryable: true, title: 'The database of the platform cannot be reached or used' },
  DATA_DIR_IN_USE: { origin: 'platform', retryable: true, title: 'Another process uses the data directory' },
  HARDENING_UNAVAILABLE: { origin: 'platform', retryable: false, title: 'The required sandbox level is not available on this machine' },
} as const satisfies Record<string, ErrorRow>

/** A code of the error table. */
export type ErrorCode = keyof typeof errorTable
