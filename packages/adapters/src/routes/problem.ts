import { errorTable, isRecord, PlatformError, type CapabilityChange, type Diagnostic, type ErrorCode, type Issue } from '@cordon/contracts'

/** The body of every error reply: RFC 9457 problem details with the fields of a `PlatformError`. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Left out when the host itself failed in a way that has no code. */
  readonly code?: ErrorCode
  readonly origin?: string
  readonly retryable?: boolean
  readonly invocationId?: string
  readonly diagnostics?: readonly Diagnostic[]
  /** What a refused version would be able to use, when it is refused for that. `/api` only. */
  readonly capabilities?: CapabilityChange
  /** Where an input or an output does not fit its schema. */
  readonly issues?: readonly Issue[]
  /** Name, message and stack of the function's own exception. `/api` only: strangers who call `/fn` do not see stacks. */
  readonly error?: unknown
}

/** What of a failure the receiver may see. */
export interface ProblemOptions {
  /** True for the owner's API, false for the public face of a function. */
  readonly forOwner: boolean
}

/** HTTP status by code. 499 is the convention of nginx for a client that went away; nobody receives it. */
export const statusByCode: Readonly<Record<ErrorCode, number>> = {
  INVALID_OPTION: 400,
  INVALID_INPUT: 400,
  FUNCTION_NOT_FOUND: 404,
  VERSION_NOT_FOUND: 404,
  DEPLOYMENT_REJECTED: 422,
  ANALYSIS_LIMIT: 422,
  PAYLOAD_TOO_LARGE: 413,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  CANCELLED: 499,
  FUNCTION_ERROR: 502,
  INVALID_OUTPUT: 502,
  LOAD_FAILED: 502,
  TIMEOUT: 504,
  MEMORY_LIMIT: 502,
  CRASHED: 502,
  PROTOCOL_VIOLATION: 502,
  CAPABILITY_DENIED: 502,
  OUTPUT_LIMIT: 502,
  QUERY_TIMEOUT: 502,
  QUERY_FAILED: 502,
  OVERLOADED: 429,
  CLOSED: 503,
  SANDBOX_FAILED: 503,
  ACQUIRE_TIMEOUT: 503,
  STORE_UNAVAILABLE: 503,
  DATA_DIR_IN_USE: 503,
  HARDENING_UNAVAILABLE: 503,
}

/** The one place that maps a failure to an HTTP status. */
function statusOf(error: PlatformError): number {
  // An unknown route and a wrong method have no code of their own: the routes say the status.
  const { http } = error.details
  if (isRecord(http) && typeof http['status'] === 'number') return http['status']
  if (error.code === 'OVERLOADED' && error.details['scope'] === 'host') return 503
  // Without an outcome nothing ran: the call itself was not allowed (a tenant that cannot be used yet).
  if (error.code === 'CAPABILITY_DENIED' && !isRecord(error.details['outcome'])) return 403
  return statusByCode[error.code]
}

/** Turns anything that was thrown into a problem+json reply. */
export function problemResponse(thrown: unknown, options: ProblemOptions): Response {
  const problem = thrown instanceof PlatformError ? problemOf(thrown, options) : unexpected
  const headers = new Headers({ 'content-type': 'application/problem+json', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
  if (thrown instanceof PlatformError) addErrorHeaders(headers, thrown, problem)
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}

/** A failure as problem details. */
export function problemOf(error: PlatformError, options: ProblemOptions): Problem {
  const { diagnostics, capabilities, issues, error: exception } = error.details
  const invocationId = invocationIdOf(error)
  return {
    type: `urn:cordon:error:${error.code}`,
    title: errorTable[error.code].title,
    status: statusOf(error),
    detail: error.message,
    code: error.code,
    origin: error.origin,
    retryable: error.retryable,
    ...(invocationId === undefined ? {} : { invocationId }),
    ...(Array.isArray(diagnostics) ? { diagnostics } : {}),
    ...(options.forOwner && isChange(capabilities) ? { capabilities } : {}),
    ...(Array.isArray(issues) ? { issues } : {}),
    ...(options.forOwner && isRecord(exception) ? { error: exception } : {}),
  }
}

/** The message of an exception that nobody foresaw may hold anything, so it stays on the host. */
const unexpected: Problem = {
  type: 'about:blank',
  title: 'The platform failed',
  status: 500,
  detail: 'Cannot answer the request: an unexpected error, which the host has logged',
}

function addErrorHeaders(headers: Headers, error: PlatformError, problem: Problem): void {
  if (problem.invocationId !== undefined) headers.set('x-cordon-invocation-id', problem.invocationId)
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer')
  const { retryAfterMs, http } = error.details
  if (isRecord(http) && typeof http['allow'] === 'string') headers.set('allow', http['allow'])
  // The header counts in whole seconds; rounding down would invite the caller too early.
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) headers.set('retry-after', String(Math.ceil(retryAfterMs / 1000)))
}

function isChange(value: unknown): value is CapabilityChange {
  return isRecord(value) && Array.isArray(value['added']) && Array.isArray(value['removed'])
}

function invocationIdOf(error: PlatformError): string | undefined {
  const { outcome, invocationId } = error.details
  const id = isRecord(outcome) ? outcome['invocationId'] : invocationId
  return typeof id === 'string' ? id : undefined
}
