import type { ExecutableVersion, InvocationOptions, Outcome } from '@cordon/contracts'
import { withClock } from './clock.ts'
import { compileScript, unscripted, type CompiledScript, type FetchScript } from './fetch-script.ts'
import { whileAnswering } from '../turns.ts'
import type { ScriptedFunction } from './scripted-function.ts'
import { Recorder } from './used.ts'

/** What a scene is made of. */
export interface SceneParts {
  /** Of the function under test. */
  readonly name: string
  readonly clock: number | undefined
  readonly fetch: FetchScript | undefined
  /** By name. */
  readonly functions: ReadonlyMap<string, ScriptedFunction>
}

/** What surrounds the functions of one tenant in a test. */
export class Scene {
  readonly used = new Recorder()
  readonly functions: ReadonlyMap<string, ScriptedFunction>
  readonly #name: string
  readonly #clock: number | undefined
  readonly #script: CompiledScript | undefined
  readonly #versions = new Map<ExecutableVersion, ExecutableVersion>()
  readonly #calls = new Set<Promise<unknown>>()
  #fault: { readonly error: unknown } | undefined

  constructor({ name, clock, fetch, functions }: SceneParts) {
    this.#name = name
    this.functions = functions
    this.#clock = clock
    this.#script = fetch === undefined ? undefined : compileScript(fetch)
  }

  /** The version as it runs in this scene; the same one every time. */
  prepare(version: ExecutableVersion): ExecutableVersion {
    let prepared = this.#versions.get(version)
    if (prepared === undefined) {
      const clock = this.#clock
      prepared = clock === undefined ? version : { ...version, loadBundle: async () => withClock(await version.loadBundle(), clock) }
      this.#versions.set(version, prepared)
    }
    return prepared
  }

  /** Versions that were run or loaded. */
  get versions(): Iterable<ExecutableVersion> {
    return this.#versions.values()
  }

  /** The invocation, with what it uses written down. */
  watch<Invocation extends InvocationOptions>(invocation: Invocation): Invocation {
    this.used.noteSecrets(invocation.secrets)
    return { ...invocation, capabilities: this.used.watch(invocation.capabilities) }
  }

  /** Hears of a call whose outcome comes after its answer. */
  follow(outcome: Promise<unknown>): void {
    this.#calls.add(outcome)
    void outcome.finally(() => this.#calls.delete(outcome))
  }

  /** Resolves when the outcomes of all calls are known. */
  async settled(): Promise<void> {
    await Promise.all(this.#calls)
  }

  /** Hears how an invocation went. */
  note(version: ExecutableVersion, { logs }: Outcome): void {
    if (version.function === this.#name) this.used.logs.push(...logs)
  }

  /** Answers a request of a function; what goes wrong in the test itself fails the test, whatever the function makes of it. */
  async answer(request: Request): Promise<Response> {
    const { method, url, headers } = request
    try {
      const asked = request.clone()
      this.used.requests.push({ method, url, headers: Object.fromEntries(headers), body: await request.text() })
      const answer = await whileAnswering(async () => this.#script?.answer(asked))
      if (answer === undefined) throw unscripted(asked, this.#script?.known ?? [])
      return answer
    } catch (error) {
      this.#fault ??= { error }
      throw error
    }
  }

  /** @throws what went wrong in the test itself since the last look */
  checkFault(): void {
    const fault = this.#fault
    this.#fault = undefined
    if (fault !== undefined) throw fault.error
  }
}
