import type { DeployResult, Executor, FunctionDatabase, InvokeResult, LogEntry, Platform } from '@cordon/contracts'
import { withCallerFrames } from './caller-frames.ts'
import { readUpload } from './function-upload.ts'
import { holdProcess } from './hold-process.ts'
import { resolveLoadOptions, type FunctionSource, type LoadOptions, type TestCallOptions, type TestFetchOptions } from './options.ts'
import type { FetchScript } from './scene/fetch-script.ts'
import { Scene } from './scene/scene.ts'
import { stubSource, type ScriptedFunction } from './scene/scripted-function.ts'
import type { CalledFunction, RunQuery, SentRequest, Used } from './scene/used.ts'
import { createTestDatabase, seed, type TestDatabase } from './test-database.ts'

/** A function under test: deployed for this test alone, with a database, secrets and answers of its own. */
export interface TestFunction extends Used, AsyncDisposable {
  readonly deployment: DeployResult
  readonly db: TestDatabase
  /** What it logged, in order. */
  readonly logs: readonly LogEntry[]
  /** Calls a JSON function. @throws PlatformError as `platform.invoke` does; INVALID_OPTION for a request that nobody answered */
  invoke<Input = unknown, Output = unknown>(input?: Input, options?: TestCallOptions): Promise<InvokeResult<Output>>
  /** Calls an HTTP function; a path is taken as one of `http://localhost`. */
  fetch(request: Request | URL | string, options?: TestFetchOptions): Promise<Response>
  /**
   * Removes the function and its database. Idempotent; without it they go with the platform.
   *
   * @throws what went wrong in the test itself since the last call, once: INVALID_OPTION for a request that nobody answered, such as one
   * that came after the head of a streamed response
   */
  close(): Promise<void>
}

/** Result of one call of a JSON function, and what it used. */
export interface FunctionRun<Output = unknown> extends InvokeResult<Output>, Used {
  readonly db: TestDatabase
}

/** Result of one call of an HTTP function, complete, and what it used. */
export interface FetchRun extends Used {
  readonly response: Response
  readonly logs: readonly LogEntry[]
  readonly db: TestDatabase
}

/** What loading needs of the platform. */
export interface LoadParts {
  readonly platform: Platform
  readonly database: FunctionDatabase
  readonly executor: Executor
  readonly scenes: Map<string, Scene>
  /** Answers of the platform, for functions that come without. */
  readonly fetch: FetchScript | undefined
  /** A new name. */
  readonly nextTenant: () => string
}

/** Deploys a function for one test, in a tenant of its own, which nothing reaches from another test. */
export function loadInto(parts: LoadParts, source: FunctionSource, given: LoadOptions | undefined): Promise<LoadedFunction> {
  return holdProcess(async () => {
    const { name: givenName, config, env, secrets = {}, db, fetch = parts.fetch, functions, clock } = resolveLoadOptions(given)
    const { name: ownName, upload } = await readUpload(source, db.migrations)
    const name = givenName ?? ownName
    const scripts = new Map<string, ScriptedFunction>()
    for (const [called, one] of Object.entries(functions)) if (typeof one === 'function') scripts.set(called, one)
    const id = parts.nextTenant()
    const tenant = parts.platform.tenant(id)
    const scene = new Scene({ name, clock, fetch, functions: scripts })
    parts.scenes.set(id, scene)
    const loaded = { ...parts, id, name, scene, tenant }
    try {
      for (const [secret, value] of Object.entries(secrets)) await tenant.secrets.set(secret, value)
      for (const [called, one] of Object.entries(functions)) {
        const other = typeof one === 'function' ? { source: stubSource } : (await readUpload(one, undefined)).upload
        await tenant.deploy({ ...other, name: called })
      }
      const settings = config === undefined && env === undefined ? {} : { config: { ...config, ...(env === undefined ? {} : { env }) } }
      const deployment = await tenant.deploy({ ...upload, ...settings, name })
      await seed(parts.database, id, db)
      return new LoadedFunction({ ...loaded, deployment })
    } catch (error) {
      await remove(loaded)
      throw error
    }
  })
}

interface LoadedParts extends LoadParts {
  readonly id: string
  readonly name: string
  readonly scene: Scene
  readonly tenant: Platform
  readonly deployment: DeployResult
}

/** A function that was deployed for one test. */
export class LoadedFunction implements TestFunction {
  readonly deployment: DeployResult
  readonly db: TestDatabase
  readonly #parts: LoadedParts
  #closed: Promise<void> | undefined

  constructor(parts: LoadedParts) {
    this.#parts = parts
    this.deployment = parts.deployment
    this.db = createTestDatabase(parts.database, parts.id, () => this.#closed !== undefined)
  }

  get requests(): readonly SentRequest[] {
    return this.#parts.scene.used.requests
  }

  get queries(): readonly RunQuery[] {
    return this.#parts.scene.used.queries
  }

  get functions(): readonly CalledFunction[] {
    return this.#parts.scene.used.functions
  }

  get secrets(): readonly string[] {
    return this.#parts.scene.used.secrets
  }

  get logs(): readonly LogEntry[] {
    return this.#parts.scene.used.logs
  }

  invoke<Input = unknown, Output = unknown>(input?: Input, options: TestCallOptions = {}): Promise<InvokeResult<Output>> {
    const { tenant, name } = this.#parts
    return withCallerFrames(() => this.#call(() => tenant.invoke<Input, Output>(name, input, options)))
  }

  fetch(request: Request | URL | string, options: TestFetchOptions = {}): Promise<Response> {
    const { tenant, name } = this.#parts
    const given = request instanceof Request ? request : new Request(new URL(request, 'http://localhost'))
    return withCallerFrames(() => this.#call(() => tenant.fetch(name, given, options)))
  }

  /** Resolves when all that its calls logged and used is known. */
  settled(): Promise<void> {
    return this.#parts.scene.settled()
  }

  /** What it used, as it is now. */
  used(): Used {
    const { requests, queries, functions, secrets } = this
    return { requests: [...requests], queries: [...queries], functions: [...functions], secrets }
  }

  /** Lets go of its sandboxes; what it has in the database stays. */
  rest(): void {
    const { executor, scene } = this.#parts
    for (const version of scene.versions) executor.retire(version)
  }

  /** @throws what went wrong in the test itself since the last look */
  checkFault(): void {
    this.#parts.scene.checkFault()
  }

  close(): Promise<void> {
    this.#closed ??= remove(this.#parts)
    const closed = this.#closed
    return withCallerFrames(() => closed.then(() => this.checkFault()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What went wrong in the test itself comes before what the function made of it. */
  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await call()
      this.checkFault()
      return result
    } catch (error) {
      this.checkFault()
      throw error
    }
  }
}

async function remove({ platform, scenes, id }: Pick<LoadedParts, 'platform' | 'scenes' | 'id'>): Promise<void> {
  await holdProcess(() => platform.tenants.remove(id))
  scenes.delete(id)
}
