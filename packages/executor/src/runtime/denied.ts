import { defineProperty, NativeError } from './primordials.ts'

/** Error for authority that a function does not have; the message names what to use instead. */
export function denied(message: string): Error {
  const error = new NativeError(message)
  defineProperty(error, 'code', { value: 'CAPABILITY_DENIED', enumerable: true })
  return error
}
