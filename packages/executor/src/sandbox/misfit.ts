import { PlatformError, type ErrorCode, type Issue } from '@cordon/contracts'

/** Places that the message names; all of them are in `details.issues`. */
const maxShown = 3

/** The error of an input or an output that does not fit its schema. */
export function describeMisfit(code: ErrorCode, issues: readonly Issue[]): PlatformError {
  const shown = issues.slice(0, maxShown).map(({ path, expected, got }) => `${path === '' ? '' : `${path}: `}expected ${expected}, got ${got}`)
  const more = issues.length > maxShown ? `; and ${issues.length - maxShown} more` : ''
  const what = code === 'INVALID_INPUT' ? 'input' : 'output'
  return new PlatformError(code, `Cannot use the ${what}: ${shown.join('; ')}${more}`, { details: { issues } })
}
