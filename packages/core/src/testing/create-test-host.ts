import { join } from 'node:path'
import type { Analyzer, Executor, FunctionDatabase, Platform, PlatformOptions } from '@cordon/contracts'
import { createLogger } from '../observe/create-logger.ts'
import { EventHub } from '../platform/events.ts'
import { PlatformHandle } from '../platform/handle.ts'
import { defaultTenant, startHost } from '../platform/host.ts'
import { checkNodeVersion } from '../platform/node-version.ts'
import { resolvePlatformOptions } from '../platform/resolve-platform-options.ts'
import { AnsweredRequests, type AnswerRequest } from './answered-requests.ts'

/** What tests give instead of the outside world, and where they look in. */
export interface TestHostParts {
  /** Existing directory, with a short path, that everybody can enter; it is removed with the platform or the process, whichever ends first. */
  readonly directory: string
  /** Directory of a database cluster to begin with a copy of. @default none */
  readonly template?: string | undefined
  readonly wrapExecutor?: ((executor: Executor) => Executor) | undefined
  readonly wrapAnalyzer?: ((analyzer: Analyzer) => Analyzer) | undefined
  /** Answers what functions request; nothing reaches the network. */
  readonly answer: AnswerRequest
}

/** A platform for tests, and the database of its functions. */
export interface TestHost {
  readonly platform: Platform
  readonly database: FunctionDatabase
}

/**
 * Starts a real platform that is thrown away: its directory goes with it, and it does not keep the process alive.
 *
 * @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE, HARDENING_UNAVAILABLE, SANDBOX_FAILED
 */
export async function createTestHost(given: PlatformOptions, parts: TestHostParts): Promise<TestHost> {
  checkNodeVersion()
  const { directory, template, wrapExecutor, wrapAnalyzer, answer } = parts
  const options = resolvePlatformOptions({ ...given, dataDir: join(directory, 'data'), databaseUrl: undefined })
  const logger = createLogger(options)
  const events = new EventHub((error) => logger.error({}, error.message))
  const egress = new AnsweredRequests(answer, options.net.allowPrivate)
  const host = await startHost(options, events, logger, { temporary: { directory, template }, wrapExecutor, wrapAnalyzer, egress })
  const platform = new PlatformHandle(host, { tenant: host.tenant(defaultTenant), release: (isForced) => host.stop(isForced) })
  return { platform, database: host.database }
}
