import { rm } from 'node:fs/promises'
import { isRecord, PlatformError, type Executor, type Platform, type PlatformOptions } from '@cordon/contracts'
import { loadSettings } from '@cordon/core/settings'
import { createTestDirectory, createTestHost, type TestHost, type TestHostParts } from '@cordon/core/testing'
import { cacheDirectory } from './cache/cache-directory.ts'
import { clusterTemplate, removeTemplate } from './cache/cluster-template.ts'
import { KeptAnalyses } from './cache/kept-analyses.ts'
import { withCallerFrames } from './caller-frames.ts'
import { holdProcess } from './hold-process.ts'
import { splitRunOptions, type FetchRunOptions, type FunctionSource, type LoadOptions, type RunOptions } from './options.ts'
import { compileScript, unscripted, type FetchScript } from './scene/fetch-script.ts'
import type { Scene } from './scene/scene.ts'
import { TestExecutor } from './scene/test-executor.ts'
import { loadInto, type FetchRun, type FunctionRun, type LoadedFunction, type TestFunction } from './test-function.ts'
import { createTurns, whileAnswering } from './turns.ts'

/** Runs of one process that go on at once: each keeps a core busy while its sandbox starts. */
const runsAtOnce = 4

/** Options of `createTestPlatform`: those of a platform, but for where its data lies. Functions always run in processes: threads would keep the one of the tests alive. */
export interface TestPlatformOptions extends Omit<PlatformOptions, 'dataDir' | 'databaseUrl' | 'backup' | 'isolation'> {
  /** Answers to what functions fetch, where a test gives none. @default none: such a request fails */
  readonly fetch?: FetchScript | undefined
}

/** A real platform for tests: temporary, and without a network. It does not keep the process alive, and nothing of it outlives the process. */
export interface TestPlatform extends Platform {
  /** Deploys a function for one test, with a database, secrets and answers of its own, and calls it once. */
  runFunction<Input = unknown, Output = unknown>(source: FunctionSource, input?: Input, options?: RunOptions): Promise<FunctionRun<Output>>
  /** The same for an HTTP function; the response is complete. */
  fetchFunction(source: FunctionSource, request: Request | URL | string, options?: FetchRunOptions): Promise<FetchRun>
  /** Deploys a function for one test that calls it itself, any number of times. */
  loadFunction(source: FunctionSource, options?: LoadOptions): Promise<TestFunction>
}

/**
 * Starts a platform for tests. Without options it has those that `cordon.config` and the environment give a host.
 *
 * @throws PlatformError as `createPlatform`
 */
export function createTestPlatform(options?: TestPlatformOptions): Promise<TestPlatform> {
  return holdProcess(async () => {
    const { fetch, ...given } = options ?? (await projectOptions())
    const scenes = new Map<string, Scene>()
    let executor: Executor | undefined
    const script = fetch === undefined ? undefined : compileScript(fetch)
    const cache = await cacheDirectory()
    const parts = {
      wrapExecutor(real: Executor) {
        executor = real
        return new TestExecutor(real, scenes)
      },
      ...(cache === undefined ? {} : { wrapAnalyzer: KeptAnalyses.in(cache) }),
      async answer(tenant: string, request: Request) {
        const scene = scenes.get(tenant)
        if (scene !== undefined) return scene.answer(request)
        const answer = await whileAnswering(async () => script?.answer(request.clone()))
        if (answer === undefined) throw unscripted(request, script?.known ?? [])
        return answer
      },
    }
    const template = cache === undefined ? undefined : await clusterTemplate(cache)
    const { platform, database } = await start(withoutPlaces(given), parts, template)
    if (executor === undefined) throw new PlatformError('SANDBOX_FAILED', 'Cannot start the platform: it has no sandboxes')
    let count = 0
    const inTurn = createTurns(runsAtOnce)
    const loading = { platform, database, executor, scenes, fetch, nextTenant: () => `test-${++count}` }
    const load = (source: FunctionSource, loadOptions?: LoadOptions): Promise<LoadedFunction> => loadInto(loading, source, loadOptions)
    const end = { close: platform.close.bind(platform), destroy: platform.destroy.bind(platform) }
    return Object.assign(platform, {
      runFunction: <Input, Output>(source: FunctionSource, input?: Input, runOptions?: RunOptions) =>
        withCallerFrames(() => inTurn(() => run<Input, Output>(load, source, input, runOptions))),
      fetchFunction: (source: FunctionSource, request: Request | URL | string, runOptions?: FetchRunOptions) =>
        withCallerFrames(() => inTurn(() => runHttp(load, source, request, runOptions))),
      loadFunction: (source: FunctionSource, loadOptions?: LoadOptions) => withCallerFrames(() => inTurn(() => load(source, loadOptions))),
      close: () => holdProcess(end.close),
      destroy: () => holdProcess(end.destroy),
    })
  })
}

/** The options that `cordon.config` and the environment give a host. */
export async function projectOptions(): Promise<TestPlatformOptions> {
  return (await loadSettings()).options
}

type Load = (source: FunctionSource, options?: LoadOptions) => Promise<LoadedFunction>

async function run<Input, Output>(load: Load, source: FunctionSource, input?: Input, options: RunOptions = {}): Promise<FunctionRun<Output>> {
  const { load: around, call } = splitRunOptions(options)
  const loaded = await load(source, around)
  try {
    const result = await loaded.invoke<Input, Output>(input, call)
    return { ...result, ...loaded.used(), db: loaded.db }
  } finally {
    loaded.rest()
  }
}

async function runHttp(load: Load, source: FunctionSource, request: Request | URL | string, options: FetchRunOptions = {}): Promise<FetchRun> {
  const { load: around, call } = splitRunOptions(options)
  const { request: _, ...rest } = call
  const loaded = await load(source, around)
  try {
    const streamed = await loaded.fetch(request, rest)
    const { status, statusText, headers } = streamed
    const body = streamed.body === null ? null : await streamed.arrayBuffer()
    await loaded.settled()
    loaded.checkFault()
    return { response: new Response(body, { status, statusText, headers }), logs: loaded.logs, ...loaded.used(), db: loaded.db }
  } finally {
    loaded.rest()
  }
}

/** Settings of the project say where its own data lies, which no test touches; whoever passes them on need not take that out. */
function withoutPlaces(options: PlatformOptions): PlatformOptions {
  const { dataDir: _dataDir, databaseUrl: _databaseUrl, backup: _backup, isolation: _isolation, ...rest } = options
  return rest
}

/** A template that does not work is made anew the next time; this start does without. */
async function start(options: PlatformOptions, parts: Omit<TestHostParts, 'directory'>, template: string | undefined): Promise<TestHost> {
  try {
    return await startIn(await createTestDirectory(), options, { ...parts, template })
  } catch (error) {
    if (template === undefined || !isRecord(error) || error['code'] !== 'STORE_UNAVAILABLE') throw error
    await removeTemplate(template)
    return startIn(await createTestDirectory(), options, parts)
  }
}

/** A platform that starts removes its directory when it ends; for one that does not, wrong options included, nobody else does. */
async function startIn(directory: string, options: PlatformOptions, parts: Omit<TestHostParts, 'directory'>): Promise<TestHost> {
  try {
    return await createTestHost(options, { ...parts, directory })
  } catch (error) {
    await rm(directory, { recursive: true, force: true, maxRetries: 10 }).catch(() => undefined)
    throw error
  }
}
