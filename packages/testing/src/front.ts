import type Module from 'node:module'
import { runInThisContext } from 'node:vm'
import type { TestPlatform, TestPlatformOptions } from './create-test-platform.ts'
import type * as Kit from './kit.ts'
import type { FetchRunOptions, FunctionSource, LoadOptions, RunOptions } from './options.ts'
import type { FetchRun, FunctionRun, TestFunction } from './test-function.ts'

/**
 * Jest runs test files in a realm of their own, where an error or a date of Node is none, and loads packages anew for each file. The platform
 * runs in the realm of Node, once for all files of a process.
 */
function loadKit(): Promise<typeof Kit> {
  if (runInThisContext('Error') === Error) return import('./kit.ts')
  const { createRequire } = runInThisContext("process.getBuiltinModule('node:module')") as typeof Module
  return Promise.resolve(createRequire(import.meta.url)('./kit.js') as typeof Kit)
}

async function sharedPlatform(): Promise<TestPlatform> {
  return (await loadKit()).sharedPlatform()
}

/**
 * Starts a platform for tests. Without options it has those that `cordon.config` and the environment give a host.
 *
 * @throws PlatformError as `createPlatform`
 */
export async function createTestPlatform(options?: TestPlatformOptions): Promise<TestPlatform> {
  return (await loadKit()).createTestPlatform(options)
}

/** Deploys a function for one test, with a database, secrets and answers of its own, and calls it once, on a platform that all tests of this process share. */
export async function runFunction<Input = unknown, Output = unknown>(
  source: FunctionSource,
  input?: Input,
  options?: RunOptions,
): Promise<FunctionRun<Output>> {
  return (await sharedPlatform()).runFunction<Input, Output>(source, input, options)
}

/** The same for an HTTP function; the response is complete. */
export async function fetchFunction(source: FunctionSource, request: Request | URL | string, options?: FetchRunOptions): Promise<FetchRun> {
  return (await sharedPlatform()).fetchFunction(source, request, options)
}

/** Deploys a function for one test that calls it itself, any number of times. */
export async function loadFunction(source: FunctionSource, options?: LoadOptions): Promise<TestFunction> {
  return (await sharedPlatform()).loadFunction(source, options)
}
