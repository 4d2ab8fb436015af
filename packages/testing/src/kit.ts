import { createTestPlatform, projectOptions, type TestPlatform } from './create-test-platform.ts'

export { createTestPlatform }

/** The platform that all tests of this process share. Each test has a tenant of its own in it. */
let shared: Promise<TestPlatform> | undefined

/** Starts it with the first test. */
export function sharedPlatform(): Promise<TestPlatform> {
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
