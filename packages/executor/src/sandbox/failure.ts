import { isRecord, type ErrorCode } from '@cordon/contracts'

/** What a sandbox says about a failure, checked field by field. */
export interface Failure {
  readonly code: 'FUNCTION_ERROR' | 'INVALID_OUTPUT' | 'OUTPUT_LIMIT' | 'LOAD_FAILED'
  /** Number of the host call whose error this is; 0 for the function's own. */
  readonly origin: number
  /** The sandbox is in an unknown state and has to go. */
  readonly isFatal: boolean
  readonly error: ErrorDescription
}

/** An exception of user code as plain data. */
export interface ErrorDescription {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly code?: string
  readonly cause?: ErrorDescription
}

const codes: readonly ErrorCode[] = ['FUNCTION_ERROR', 'INVALID_OUTPUT', 'OUTPUT_LIMIT', 'LOAD_FAILED']
const maxCauses = 5

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
  return { code, origin: value['origin'], isFatal: value['fatal'] === true, error }
}

function parseError(value: unknown, depth: number): ErrorDescription | undefined {
  if (!isRecord(value)) return undefined
  const { name, message, stack, code } = value
  if (typeof name !== 'string' || typeof message !== 'string' || typeof stack !== 'string') return undefined
  const cause = depth < maxCauses ? parseError(value['cause'], depth + 1) : undefined
  return { name, message, stack, ...(typeof code === 'string' ? { code } : {}), ...(cause === undefined ? {} : { cause }) }
}
