import type { IncomingMessage, ServerResponse } from 'node:http'
import { ArrivingBody } from '../routes/arriving-body.ts'
import { tooLarge } from '../routes/body.ts'
import { GrowingBytes } from '../routes/growing-bytes.ts'

/** Bytes of a request body kept in memory before the socket is paused; the default of Node's own sockets. */
const bodyWindowBytes = 65_536

/** The body as a whole. @throws PlatformError PAYLOAD_TOO_LARGE as soon as it is, an Error when the client closes the connection in the middle */
export function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const body = new GrowingBytes()
    const arriving = new ArrivingBody(fail)
    function onData(chunk: Uint8Array<ArrayBuffer>): void {
      if (body.length + chunk.byteLength > maxBytes) return fail(tooLarge(maxBytes))
      body.add(chunk)
      arriving.add(chunk.byteLength)
    }
    function onEnd(): void {
      stop()
      resolve(body.take())
    }
    function onClose(): void {
      if (!incoming.readableEnded) fail(new Error('the client closed the connection'))
    }
    function fail(error: Error): void {
      stop()
      // What is left of it is dropped as it comes: the next request on the connection waits behind it.
      incoming.resume()
      reject(error)
    }
    function stop(): void {
      arriving.end()
      incoming.off('data', onData).off('end', onEnd).off('close', onClose)
    }
    // An error after the end has no other listener and would end the host.
    incoming.on('data', onData).on('end', onEnd).on('error', fail).on('close', onClose)
    // Middleware in front may have waited so long that the client is gone already.
    if (incoming.destroyed) onClose()
    // Its end is over, too.
    if (incoming.readableEnded) fail(new Error('it was read before'))
  })
}

/** The body as a stream, read from the socket only as fast as somebody takes it. */
export function bodyOf(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let stop: () => void = () => undefined
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        function onData(chunk: Uint8Array): void {
          controller.enqueue(chunk)
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
        }
        function onEnd(): void {
          stop()
          controller.close()
        }
        function onError(error: Error): void {
          stop()
          controller.error(error)
        }
        function onClose(): void {
          if (!incoming.readableEnded) onError(new Error('the client closed the connection'))
        }
        // Node drops the rest of a body that nobody has begun to read; once begun, the next request waits behind it.
        function onFinish(): void {
          onError(new Error('the response is complete'))
          incoming.resume()
        }
        stop = () => {
          incoming.off('data', onData).off('end', onEnd).off('close', onClose)
          outgoing.off('finish', onFinish)
        }
        outgoing.on('finish', onFinish)
        incoming.pause()
        // An error after the end has no other listener and would end the host.
        incoming.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
      },
      pull() {
        incoming.resume()
      },
      cancel() {
        stop()
        incoming.resume()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bodyWindowBytes }),
  )
}
