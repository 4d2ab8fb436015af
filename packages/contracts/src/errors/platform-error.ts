import { errorTable, type ErrorCode, type ErrorOrigin } from './table.ts'

/** What a `PlatformError` can carry besides its code and message. */
export interface PlatformErrorOptions {
  /** Plain data about the failure; never payloads or secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
  /** The error that led to this one. */
  readonly cause?: unknown
}

const brand = Symbol.for('cordon.PlatformError')

/**
 * The one error class of the product. Match on `code`, not on the message. `instanceof` also works for an error that
 * was made by another copy of this package (the class is recognised by a brand, as undici does it).
 */
export class PlatformError extends Error {
  readonly code: ErrorCode
  /** Whose fault the failure is. */
  readonly origin: ErrorOrigin
  /** Whether the same call may succeed later unchanged. */
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: PlatformErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    const row = errorTable[code]
    this.name = 'PlatformError'
    this.code = code
    this.origin = row.origin
    this.retryable = row.retryable
    this.details = options.details ?? {}
    Object.defineProperty(this, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    try {
      return typeof value === 'object' && value !== null && brand in value
    } catch {
      // A proxy whose traps throw: what a caller's code throws is looked at too.
      return false
    }
  }

  /** The error as plain data, for logs and for the wire. The stack and the cause stay behind. */
  toJSON(): { code: ErrorCode; origin: ErrorOrigin; retryable: boolean; message: string; details: Readonly<Record<string, unknown>> } {
    return { code: this.code, origin: this.origin, retryable: this.retryable, message: this.message, details: this.details }
  }
}

/** Returns `value` if it already is a `PlatformError`, otherwise wraps it under `code` and keeps it as the cause. */
export function toPlatformError(value: unknown, code: ErrorCode, act: string): PlatformError {
  if (value instanceof PlatformError) return value
  return new PlatformError(code, `Cannot ${act}: ${reasonOf(value)}`, { cause: value })
}

/** What a thrown value says, as text. Never throws itself, whatever a getter, a proxy or a `toString` of the value does. */
export function reasonOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown)
  } catch {
    return 'something was thrown that cannot be read'
  }
}
