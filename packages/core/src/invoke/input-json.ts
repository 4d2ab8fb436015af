import { PlatformError, reasonOf } from '@cordon/contracts'

/**
 * The input of a call as JSON text, `undefined` for no input.
 *
 * @throws PlatformError INVALID_INPUT when JSON has no word for it, PAYLOAD_TOO_LARGE above `payloadBytes`
 */
export function inputJson(input: unknown, payloadBytes: number): string | undefined {
  if (input === undefined) return undefined
  let json: string | undefined
  try {
    json = JSON.stringify(input)
  } catch (error) {
    // Cycles, BigInt, a toJSON that throws, nesting beyond the stack.
    throw new PlatformError(
      'INVALID_INPUT',
      `Cannot send the input: expected data that JSON can hold, but turning it into JSON failed (${firstLine(reasonOf(error))})`,
      { cause: error },
    )
  }
  if (json === undefined) throw new PlatformError('INVALID_INPUT', `Cannot send the input: a ${typeof input} has no form in JSON`)
  // A UTF-16 unit is at most 3 bytes: only texts near the limit are measured.
  if (json.length * 3 > payloadBytes) checkBytes(Buffer.byteLength(json), payloadBytes)
  return json
}

/** @throws PlatformError PAYLOAD_TOO_LARGE */
export function checkBytes(bytes: number, payloadBytes: number): void {
  if (bytes <= payloadBytes) return
  throw new PlatformError('PAYLOAD_TOO_LARGE', `Cannot send the payload: it has ${bytes} bytes, the limit is ${payloadBytes}`, {
    details: { bytes, limit: payloadBytes },
  })
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message
}
