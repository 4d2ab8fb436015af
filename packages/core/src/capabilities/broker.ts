import {
  decodeValues,
  encodeResult,
  isRecord,
  PlatformError,
  type Capabilities,
  type DatabaseSession,
  type FunctionDatabase,
} from '@cordon/contracts'
import type { RegisteredVersion } from '../registry/registry.ts'

type Method = (database: DatabaseSession, argument: Record<string, unknown>) => Promise<unknown>

/** What a sandbox can ask for. A `Map`: the names come from the sandbox, and an object would answer to `constructor`. */
const databaseMethods = new Map<unknown, Method>([
  ['db.query', query],
  ['db.begin', (database) => database.begin()],
  ['db.commit', commit],
  ['db.rollback', rollback],
])

/**
 * The host side of one invocation's `ctx`. It trusts neither method name nor argument: both come over the pipe. The
 * database session is opened by the first query, for a version that was granted the database.
 */
export class InvocationCapabilities implements Capabilities {
  readonly #database: FunctionDatabase
  readonly #version: RegisteredVersion
  readonly #timeoutMs: number
  #deadline = 0
  #session: DatabaseSession | undefined
  #isEnded = false

  constructor(database: FunctionDatabase, version: RegisteredVersion, timeoutMs: number | undefined) {
    this.#database = database
    this.#version = version
    this.#timeoutMs = Math.min(version.limits.timeoutMs, timeoutMs ?? version.limits.timeoutMs)
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
    this.#session ??= this.#database.session(this.#version.tenant, deadline)
    return this.#session
  }
}

async function query(database: DatabaseSession, { text, values = [], transaction }: Record<string, unknown>): Promise<unknown> {
  if (typeof text !== 'string') throw invalidArgument('db.query', 'a text')
  const number = transaction === undefined ? undefined : transactionOf('db.query', transaction)
  return encodeResult(await database.query(text, decodeValues(values), number))
}

async function commit(database: DatabaseSession, { transaction }: Record<string, unknown>): Promise<null> {
  await database.commit(transactionOf('db.commit', transaction))
  return null
}

async function rollback(database: DatabaseSession, { transaction }: Record<string, unknown>): Promise<null> {
  await database.rollback(transactionOf('db.rollback', transaction))
  return null
}

function transactionOf(method: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw invalidArgument(method, 'the number of a transaction')
}

function denied(message: string): PlatformError {
  return new PlatformError('CAPABILITY_DENIED', message)
}

function invalidArgument(method: string, expected: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `Cannot call ${show(method)}: expected ${expected}`)
}

function show(method: unknown): string {
  return JSON.stringify(String(method).slice(0, 80))
}
