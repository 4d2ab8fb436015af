import { JsonScanner, PlatformError } from '@cordon/contracts'
import { ArrivingBody } from './arriving-body.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { LateRequest } from '../late/late-request.ts'

/** Deepest nesting of JSON that is parsed here: as for the inputs of functions. */
const maxDepth = 200
const byteOrderMark = [0xef, 0xbb, 0xbf]

/**
 * Reads a body of at most `maxBytes` bytes and gives up as soon as it is longer, whatever its Content-Length says.
 *
 * @throws PlatformError PAYLOAD_TOO_LARGE, INVALID_INPUT when the sender stops in the middle
 */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  // Also refused before a byte is read when the sender is honest about it.
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  try {
    const whole = request instanceof LateRequest ? request.read(maxBytes) : undefined
    return await (whole ?? readStream(request.body, maxBytes))
  } catch (error) {
    if (error instanceof PlatformError) throw error
    if (request.signal.aborted) throw new PlatformError('CANCELLED', 'Cannot read the request body: the caller went away', { cause: error })
    throw new PlatformError('INVALID_INPUT', 'Cannot read the request body: it ended early or was read before', { cause: error })
  }
}

async function readStream(body: ReadableStream<Uint8Array<ArrayBuffer>> | null, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array(0)
  const bytes = new GrowingBytes()
  let failure: PlatformError | undefined
  const reader = body.getReader()
  function giveUp(reason: PlatformError): void {
    failure = reason
    // Ends the read that waits.
    reader.cancel(reason).catch(() => undefined)
  }
  const arriving = new ArrivingBody(giveUp)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (failure !== undefined) throw failure
      if (done) break
      if (bytes.length + value.byteLength > maxBytes) throw tooLarge(maxBytes)
      arriving.add(value.byteLength)
      bytes.add(value)
    }
  } catch (error) {
    if (failure === undefined) reader.cancel(error).catch(() => undefined)
    throw error
  } finally {
    arriving.end()
  }
  return bytes.take()
}

/**
 * Reads a JSON body; an empty one is `undefined`. The content type is not looked at: `curl -d` names another one.
 *
 * @throws PlatformError PAYLOAD_TOO_LARGE, INVALID_INPUT
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  return parseJson(await readBytes(request, maxBytes))
}

/**
 * Parses JSON in UTF-8; nothing at all is `undefined`.
 *
 * @throws PlatformError INVALID_INPUT
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return undefined
  const text = withoutMark(bytes)
  const scanner = new JsonScanner(maxDepth)
  // Before the parser: text of a few MB that only nests keeps that busy for seconds.
  if (!scanner.push(text) || !scanner.end()) throw new PlatformError('INVALID_INPUT', `Cannot read the request body as JSON: ${scanner.failure}`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it is not UTF-8'
    throw new PlatformError('INVALID_INPUT', `Cannot read the request body as JSON: ${reason}`, { cause: error })
  }
}

/** Some editors and programs put a byte order mark in front of UTF-8; it is not part of the JSON (RFC 8259, section 8.1). */
export function withoutMark(bytes: Uint8Array): Uint8Array {
  return byteOrderMark.every((byte, index) => bytes[index] === byte) ? bytes.subarray(byteOrderMark.length) : bytes
}

/** The refusal of a body above `maxBytes`. */
export function tooLarge(maxBytes: number): PlatformError {
  return new PlatformError('PAYLOAD_TOO_LARGE', `Cannot read the request body: it is larger than ${maxBytes} bytes`, { details: { maxBytes } })
}
