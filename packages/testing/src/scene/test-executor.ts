import type { ExecutableVersion, Executor, ExecutorStats, HttpExchange, HttpInvocation, JsonInvocation, Outcome } from '@cordon/contracts'
import { holdProcess } from '../hold-process.ts'
import type { Scene } from './scene.ts'
import { runScript } from './scripted-function.ts'

/** An executor that runs the functions of tenants that have a scene in it. Sandboxes, limits and deadlines are those of the real one behind it. */
export class TestExecutor implements Executor {
  readonly #executor: Executor
  readonly #scenes: ReadonlyMap<string, Scene>

  constructor(executor: Executor, scenes: ReadonlyMap<string, Scene>) {
    this.#executor = executor
    this.#scenes = scenes
  }

  invoke(version: ExecutableVersion, invocation: JsonInvocation): Promise<Outcome> {
    const scene = this.#scenes.get(version.tenant)
    const script = scene?.functions.get(version.function)
    return holdProcess(async () => {
      if (scene === undefined) return this.#executor.invoke(version, invocation)
      if (script !== undefined) return runScript(script, invocation)
      const outcome = await this.#executor.invoke(scene.prepare(version), scene.watch(invocation))
      scene.note(version, outcome)
      return outcome
    })
  }

  fetch(version: ExecutableVersion, invocation: HttpInvocation): HttpExchange {
    const scene = this.#scenes.get(version.tenant)
    const exchange = this.#executor.fetch(scene?.prepare(version) ?? version, scene?.watch(invocation) ?? invocation)
    const noted = holdProcess(async () => scene?.note(version, await exchange.outcome))
    scene?.follow(noted)
    return exchange
  }

  preload(version: ExecutableVersion): Promise<void> {
    const scene = this.#scenes.get(version.tenant)
    if (scene?.functions.has(version.function) === true) return Promise.resolve()
    return this.#executor.preload(scene?.prepare(version) ?? version)
  }

  retire(version: ExecutableVersion): void {
    this.#executor.retire(this.#scenes.get(version.tenant)?.prepare(version) ?? version)
  }

  stats(): ExecutorStats {
    return this.#executor.stats()
  }

  close(): Promise<void> {
    return holdProcess(() => this.#executor.close())
  }

  destroy(): Promise<void> {
    return holdProcess(() => this.#executor.destroy())
  }
}
