import type { Logger, ResolvedPlatformOptions } from '@cordon/contracts'
import { createDefaultLogger } from './default-logger.ts'
import { guardedLogger } from './guarded-logger.ts'

/** Where a platform writes its own messages: the host's logger, or lines on stderr. */
export function createLogger({ logger, log, secretsKey, databaseUrl, metrics }: ResolvedPlatformOptions): Logger {
  if (logger !== undefined) return guardedLogger(logger)
  const password = databaseUrl !== undefined && URL.canParse(databaseUrl) ? new URL(databaseUrl).password : ''
  const secrets = [...(secretsKey ?? []), password, decoded(password), metrics.token ?? '']
  return guardedLogger(createDefaultLogger(log, secrets))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
