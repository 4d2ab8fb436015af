import type { Duplex } from 'node:stream'

const { getBuiltinModule } = process

/** Takes the encodings off a body (gzip, deflate, br), here and not on the host: what unfolds is the function's own memory. */
export function decodeBody(body: ReadableStream<Uint8Array>, headers: readonly (readonly [string, string])[]): ReadableStream<Uint8Array> {
  const given = headers.filter(([name]) => name === 'content-encoding').map(([, value]) => value)
  const encodings = given
    .join(',')
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'identity')
  if (encodings.length === 0) return body
  const decoders = encodings.reverse().map(decoderOf)
  // With one that nobody knows, the function gets what was sent.
  if (decoders.length > 5 || decoders.includes(undefined)) return body
  const { pipeline, Readable } = getBuiltinModule('stream')
  const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0])
  const last = decoders.reduce<InstanceType<typeof Readable>>(
    (from, decoder) => (decoder === undefined ? from : pipeline(from, decoder, () => undefined)),
    source,
  )
  return Readable.toWeb(last) as ReadableStream<Uint8Array>
}

function decoderOf(encoding: string): Duplex | undefined {
  const zlib = getBuiltinModule('zlib')
  // What a server sends piece by piece is handed on piece by piece, and one that ends too early is taken for what it is, as browsers do.
  const options = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH }
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip(options)
    case 'deflate':
      return zlib.createInflate(options)
    case 'br':
      return zlib.createBrotliDecompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH, finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH })
    default:
      return undefined
  }
}
