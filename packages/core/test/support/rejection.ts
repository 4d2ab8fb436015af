import { expect } from 'chai'
import { PlatformError, type ErrorCode } from '@cordon/contracts'

/** The `PlatformError` that `work` rejects with; fails when it resolves or rejects with anything else. */
export async function rejection(work: Promise<unknown> | (() => unknown), code: ErrorCode): Promise<PlatformError> {
  let error: unknown
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (thrown) {
    error = thrown
  }
  if (!(error instanceof PlatformError)) expect.fail(`expected ${code}, got ${error === undefined ? 'no error' : String(error)}`)
  expect(error.code, error.message).to.equal(code)
  return error
}
