import { defineValue, NativeError } from './primordials.ts'

/** Error for authority that a function does not have; the message names what to use instead. */
export function denied(message: string): Error {
  const error = new NativeError(message)
  defineValue(error, 'code', 'CAPABILITY_DENIED', true)
  return error
}
