import { isUtf8 } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import { JsonScanner, PlatformError } from '@cordon/contracts'
import { checkBytes } from './input-json.ts'

/** The limit that holds for outputs too, see frames/protocol.ts of the executor. */
const maxDepth = 200
/** Bytes that are looked at before others get their turn: under 1 ms, for each of the callers that do this at once. */
const sliceBytes = 65_536

/**
 * JSON text that a caller gives as it is, `undefined` for no input. `checkJson` says whether it is JSON.
 *
 * @throws PlatformError INVALID_INPUT, PAYLOAD_TOO_LARGE above `payloadBytes`
 */
export function givenJson(input: unknown, payloadBytes: number): string | undefined {
  if (input === undefined || input === '') return undefined
  if (typeof input === 'string') {
    if (input.length * 3 > payloadBytes) checkBytes(Buffer.byteLength(input), payloadBytes)
    return input
  }
  if (!(input instanceof Uint8Array)) throw invalid('expected JSON text or its bytes')
  checkBytes(input.byteLength, payloadBytes)
  if (!isUtf8(input)) throw invalid('it is not UTF-8')
  return input.byteLength === 0 ? undefined : Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString()
}

/**
 * Checks JSON text that `givenJson` took. What is large is looked at in slices, between which the host serves others.
 *
 * @throws PlatformError INVALID_INPUT
 */
export async function checkJson(input: unknown): Promise<void> {
  if (input === undefined || input === '') return
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  if (!(bytes instanceof Uint8Array) || bytes.byteLength === 0) return
  const scanner = new JsonScanner(maxDepth)
  for (let at = 0; at < bytes.byteLength; at += sliceBytes) {
    if (at > 0) await setImmediate()
    if (!scanner.push(bytes.subarray(at, at + sliceBytes))) throw invalid(scanner.failure)
  }
  if (!scanner.end()) throw invalid(scanner.failure)
}

function invalid(reason: string | undefined): PlatformError {
  return new PlatformError('INVALID_INPUT', `Cannot send the input as JSON: ${reason}`)
}
