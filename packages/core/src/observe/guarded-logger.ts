import type { Logger } from '@cordon/contracts'

/** A logger whose failures stay its own: what it throws would otherwise end a call, or the host. */
export function guardedLogger(logger: Logger): Logger {
  function guarded(level: keyof Logger): Logger['info'] {
    return (fields, message) => {
      try {
        const returned: unknown = logger[level](fields, message)
        if (returned instanceof Promise) returned.catch(() => undefined)
      } catch {
        // There is no other place to say it.
      }
    }
  }
  return Object.freeze({ debug: guarded('debug'), info: guarded('info'), warn: guarded('warn'), error: guarded('error') })
}
