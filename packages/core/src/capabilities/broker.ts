import { isRecord, PlatformError, type Capabilities, type DatabaseCaller, type DatabaseSession, type FunctionDatabase } from '@cordon/contracts'
import type { RegisteredVersion } from '../registry/registry.ts'
import { databaseMethods, invalidArgument } from './database-methods.ts'

/**
 * The host side of one invocation's `ctx`. It trusts neither method name nor argument: both come over the pipe. The
 * database session is opened by the first query, for a version that was granted the database.
 */
export class InvocationCapabilities implements Capabilities {
  readonly #database: FunctionDatabase
  readonly #version: RegisteredVersion
  readonly #timeoutMs: number
  readonly #caller: DatabaseCaller
  #deadline = 0
  #session: DatabaseSession | undefined
  #isEnded = false

  constructor(
    database: FunctionDatabase,
    version: RegisteredVersion,
    { invocationId, timeoutMs }: { invocationId: string; timeoutMs: number | undefined },
  ) {
    this.#database = database
    this.#version = version
    this.#timeoutMs = Math.min(version.limits.timeoutMs, timeoutMs ?? version.limits.timeoutMs)
    this.#caller = { function: version.function, version: version.version, invocationId }
  }

  onDispatch(deadline: number): void {
    this.#deadline = deadline
  }

  async call(method: string, argument: unknown): Promise<unknown> {
    const run = databaseMethods.get(method)
    if (run === undefined) throw denied(`Cannot call ${show(method)}: the platform has no such capability`)
    if (!this.#version.stored.manifest.database) {
      throw denied(`Cannot use ctx.db: the database is not granted to "${this.#version.function}". Set database: true in its config`)
    }
    if (this.#version.isRemoved) throw new PlatformError('CANCELLED', `Cannot use ctx.db: "${this.#version.function}" was removed`)
    if (this.#isEnded) throw new PlatformError('CANCELLED', 'Cannot use ctx.db: the invocation is over')
    if (!isRecord(argument)) throw invalidArgument(method, 'an object')
    return run(this.#open(), argument)
  }

  async end(): Promise<void> {
    this.#isEnded = true
    await this.#session?.end()
  }

  #open(): DatabaseSession {
    // Until the executor has said when it dispatched, the latest moment at which the invocation can end is known.
    const deadline = this.#deadline === 0 ? Date.now() + this.#timeoutMs : this.#deadline
    this.#session ??= this.#database.session(this.#version.tenant, deadline, this.#caller)
    return this.#session
  }
}

function denied(message: string): PlatformError {
  return new PlatformError('CAPABILITY_DENIED', message)
}

function show(method: unknown): string {
  return JSON.stringify(String(method).slice(0, 80))
}
