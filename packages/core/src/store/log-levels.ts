import type { LogLevel } from '@cordon/contracts'

/** Severity as it is stored: by position, so that a filter means "this or worse". */
export const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
