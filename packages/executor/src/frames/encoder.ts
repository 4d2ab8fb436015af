import { headerBytes } from './protocol.ts'

/** Longest UTF-8 form of one UTF-16 code unit. */
const maxBytesPerUnit = 3
/** Below this many characters measuring the text costs more than the memory it saves. */
const shortText = 1024

/** A frame whose payload is UTF-8 text: header and payload in one buffer, so that it leaves with one write. */
export function encodeTextFrame(type: number, id: number, text: string): Buffer {
  const room = text.length <= shortText ? text.length * maxBytesPerUnit : Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(headerBytes + room)
  const length = frame.write(text, headerBytes, 'utf8')
  writeHeader(frame, length, type, id)
  return length === room ? frame : frame.subarray(0, headerBytes + length)
}

/** A frame whose payload is one or more pieces of bytes. */
export function encodeBytesFrame(type: number, id: number, ...pieces: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const piece of pieces) length += piece.length
  const frame = Buffer.allocUnsafe(headerBytes + length)
  writeHeader(frame, length, type, id)
  let offset = headerBytes
  for (const piece of pieces) {
    frame.set(piece, offset)
    offset += piece.length
  }
  return frame
}

/** A frame whose payload is one unsigned 32-bit number. */
export function encodeNumberFrame(type: number, id: number, value: number): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + 4)
  writeHeader(frame, 4, type, id)
  frame.writeUInt32LE(value, headerBytes)
  return frame
}

/** Four bytes that hold one unsigned number. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function writeHeader(frame: Buffer, length: number, type: number, id: number): void {
  frame.writeUInt32LE(length, 0)
  frame.writeUInt8(type, 4)
  frame.writeUInt32LE(id, 5)
}
