import { createTestPlatform, projectOptions, type TestPlatform } from './create-test-platform.ts'
import type { FetchRunOptions, FunctionSource, LoadOptions, RunOptions } from './options.ts'
import type { FetchRun, FunctionRun, TestFunction } from './test-function.ts'

/** The platform that all tests of this process share. Each test has a tenant of its own in it. */
let shared: Promise<TestPlatform> | undefined

function sharedPlatform(): Promise<TestPlatform> {
  shared ??= open()
  // The next test may have more luck.
  shared.catch(() => (shared = undefined))
  return shared
}

async function open(): Promise<TestPlatform> {
  // Nobody can ask it for records, and writing the last ones would hold the process up.
  const options = await projectOptions()
  return createTestPlatform({ ...options, records: { ...options.records, write: 'off' } })
}

closeAfterTests()

/** Runners that load modules anew for each test file in one process (Jest) would start one platform after the other. */
function closeAfterTests(): void {
  const { afterAll }: { readonly afterAll?: unknown } = globalThis as { readonly afterAll?: unknown }
  if (typeof afterAll !== 'function') return
  afterAll(async () => {
    const platform = await shared?.catch(() => undefined)
    shared = undefined
    await platform?.destroy()
  })
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
