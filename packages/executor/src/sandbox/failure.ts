import { isRecord, type ErrorCode, type Issue } from '@cordon/contracts'

/** What a sandbox says about a failure, checked field by field. */
export interface Failure {
  readonly code: 'FUNCTION_ERROR' | 'INVALID_INPUT' | 'INVALID_OUTPUT' | 'OUTPUT_LIMIT' | 'LOAD_FAILED'
  /** Number of the host call whose error this is; 0 for the function's own. */
  readonly origin: number
  /** The sandbox is in an unknown state and has to go. */
  readonly isFatal: boolean
  readonly error: ErrorDescription
  /** Where the input or the output does not fit its schema. */
  readonly issues: readonly Issue[]
}

/** An exception of user code as plain data. */
export interface ErrorDescription {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly code?: string
  readonly cause?: ErrorDescription
}

const codes: readonly ErrorCode[] = ['FUNCTION_ERROR', 'INVALID_INPUT', 'INVALID_OUTPUT', 'OUTPUT_LIMIT', 'LOAD_FAILED']
const maxCauses = 5
/** Most places of one failure that are kept, and the longest text about each; the runtime sends no more. */
const maxIssues = 20
const maxText = 200

/** Reads the failure that a sandbox sent; `undefined` when it is not one. */
export function parseFailure(json: string): Failure | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const code = codes.find((one) => one === value['code']) as Failure['code'] | undefined
  const error = parseError(value['error'], 0)
  if (code === undefined || error === undefined || typeof value['origin'] !== 'number') return undefined
  return { code, origin: value['origin'], isFatal: value['fatal'] === true, error, issues: parseIssues(value['issues']) }
}

function parseIssues(value: unknown): Issue[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, maxIssues).flatMap((one: unknown) => {
    const { path, expected, got } = isRecord(one) ? one : {}
    if (typeof path !== 'string' || typeof expected !== 'string' || typeof got !== 'string') return []
    return [{ path: path.slice(0, maxText), expected: expected.slice(0, maxText), got: got.slice(0, maxText) }]
  })
}

function parseError(value: unknown, depth: number): ErrorDescription | undefined {
  if (!isRecord(value)) return undefined
  const { name, message, stack, code } = value
  if (typeof name !== 'string' || typeof message !== 'string' || typeof stack !== 'string') return undefined
  const cause = depth < maxCauses ? parseError(value['cause'], depth + 1) : undefined
  return { name, message, stack, ...(typeof code === 'string' ? { code } : {}), ...(cause === undefined ? {} : { cause }) }
}
