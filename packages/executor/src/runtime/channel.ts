import { Socket } from 'node:net'
import { headerBytes, maxFramesPerWrite, toHost } from '../frames/protocol.ts'
import { exitNow } from './exit.ts'
import {
  arrayBufferLength,
  bytesLength,
  defineValue,
  mathMin,
  NativeArrayBuffer,
  NativeUint8Array,
  typedArraySet,
  uncurryThis,
  utf8Length,
  utf8Slice,
  utf8Write,
} from './primordials.ts'

/**
 * The sandbox end of the pipe on descriptor 3. It works on the stream handle below `net.Socket`: the socket's own
 * methods live on prototypes that user code may change (`stream` is a built-in it can have), and would hand it the
 * socket, and with it a way to connect anywhere. The handle is never visible to user code.
 */

interface WriteRequest {
  buffer: Uint8Array | undefined
  oncomplete: () => void
}
/** What the runtime uses of the handle of a stream. */
export interface Handle {
  onread: (chunk: ArrayBuffer | undefined) => void
  readonly writeQueueSize: number
  readStart(): number
  readStop(): number
  /** Up to Node 24 a request is passed and 0 or an error number comes back. Later `null`: a request that is under way may come back too. */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest
}

type FrameListener = (type: number, id: number, payload: Uint8Array) => void

/** Frames up to this size are assembled in one buffer that is used again: the largest piece of a body and its header fit. */
const scratchBytes = 65_600

const { nextTick } = process
const { handle, createRequest } = openHandle()
const writeBuffer = uncurryThis(handle.writeBuffer)
const queueSize = uncurryThis(findGetter(handle, 'writeQueueSize'))
const bytesRead = uncurryThis(findGetter(handle, 'bytesRead'))
/** What `bytesRead` was after the last chunk. */
let readBefore = bytesRead(handle)

let scratchMemory = new NativeArrayBuffer(scratchBytes)
let scratch = frameView(scratchMemory, scratchBytes)
/** Bytes at the start of the scratch memory: frames that wait to leave together. */
let waitingBytes = 0
let waitingFrames = 0
let isFlushPlanned = false
/** The memory in which a frame is being assembled, and where its payload starts there. */
let frame: Uint8Array = scratch
let frameMemory = scratchMemory
let payloadStart = headerBytes
let listener: FrameListener = () => {}

function openHandle(): { handle: Handle; createRequest: () => WriteRequest | null } {
  const socket = new Socket({ fd: 3, readable: true, writable: true })
  const raw = (socket as unknown as { _handle: Handle })._handle
  let request: WriteRequest | null | undefined
  // The class of write requests is not exported: a first write is caught on its way to the handle.
  function capture(first: WriteRequest | null): number {
    request = first
    return 0
  }
  raw.writeBuffer = capture
  socket.write(new Uint8Array(1))
  Reflect.deleteProperty(raw, 'writeBuffer')
  if (request === undefined) throw new Error('Cannot open the channel: this Node has no write request')
  if (request === null) return { handle: raw, createRequest: () => null }
  const Request = request.constructor as new () => WriteRequest
  // Found before anything that user code puts on Object.prototype.
  defineValue(Request.prototype, 'oncomplete', wrote)
  defineValue(Request.prototype, 'buffer', undefined)
  return { handle: raw, createRequest: () => new Request() }
}

function findGetter(start: object, name: string): (this: Handle) => number {
  for (let object: object | null = start; object !== null; object = Object.getPrototypeOf(object)) {
    const getter = Object.getOwnPropertyDescriptor(object, name)?.get
    if (getter !== undefined) return getter
  }
  throw new Error(`Cannot open the channel: this Node has no ${name}`)
}

/** Bytes that the kernel has not taken yet. */
export function pendingBytes(): number {
  return queueSize(handle) + waitingBytes
}

/** Nothing waits for it: whoever sends looks at `pendingBytes`. */
function wrote(): void {}

function write(bytes: Uint8Array): void {
  const request = createRequest()
  // Keeps the memory alive until the kernel has it.
  if (request !== null) request.buffer = bytes
  const result = writeBuffer(handle, request, bytes)
  if (result === 0) return
  // The other end is gone: so is the reason to live.
  if (typeof result === 'number') exitNow(0)
  defineValue(result, 'oncomplete', wrote)
  defineValue(result, 'buffer', bytes)
}

/** A view with a length of its own: writing text asks for it (Node 24), and the getter on the prototype can be changed. */
function frameView(memory: ArrayBuffer, length: number): Uint8Array {
  return defineValue(new NativeUint8Array(memory), 'byteLength', length)
}

function startFrame(payloadBytes: number): void {
  const length = headerBytes + payloadBytes
  if (waitingBytes + length > scratchBytes) flush()
  const fits = length <= scratchBytes
  frameMemory = fits ? scratchMemory : new NativeArrayBuffer(length)
  frame = fits ? scratch : frameView(frameMemory, length)
  payloadStart = (fits ? waitingBytes : 0) + headerBytes
}

function finishFrame(payloadBytes: number, type: number, id: number, mayWait = false): void {
  const start = payloadStart - headerBytes
  setUint32(frame, start, payloadBytes)
  frame[start + 4] = type
  setUint32(frame, start + 5, id)
  if (frame !== scratch) return write(new NativeUint8Array(frameMemory, 0, headerBytes + payloadBytes))
  waitingBytes += headerBytes + payloadBytes
  waitingFrames++
  if (!mayWait || waitingFrames === maxFramesPerWrite) return flush()
  if (isFlushPlanned) return
  isFlushPlanned = true
  nextTick(flushPlanned)
}

function flushPlanned(): void {
  isFlushPlanned = false
  flush()
}

/** Sends the frames that wait for others to leave with. */
export function flush(): void {
  if (waitingBytes === 0) return
  const bytes = new NativeUint8Array(scratchMemory, 0, waitingBytes)
  waitingBytes = 0
  waitingFrames = 0
  if (queueSize(handle) > 0) {
    // It will wait: with memory of its own size, or a flood of short frames would hold a scratch each.
    const own = new NativeUint8Array(bytesLength(bytes))
    typedArraySet(own, bytes, 0)
    return write(own)
  }
  write(bytes)
  if (queueSize(handle) > 0) {
    scratchMemory = new NativeArrayBuffer(scratchBytes)
    scratch = frameView(scratchMemory, scratchBytes)
  }
}

/** Writes a number into four bytes, little endian. */
function setUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 0xff
  bytes[offset + 1] = (value >>> 8) & 0xff
  bytes[offset + 2] = (value >>> 16) & 0xff
  bytes[offset + 3] = value >>> 24
}

/** Reads a number from four bytes, little endian. */
export function getUint32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8) | ((bytes[offset + 2] ?? 0) << 16) | ((bytes[offset + 3] ?? 0) << 24)) >>> 0
}

/** Sends text. */
export function sendText(type: number, id: number, text: string): void {
  const room = roomFor(text)
  startFrame(room)
  finishFrame(utf8Write(frame, text, payloadStart, room), type, id)
}

/** Sends one number and text after it. With `mayWait` it leaves at the end of this turn, together with others. */
export function sendNumberAndText(type: number, id: number, value: number, text: string, mayWait = false): void {
  const room = roomFor(text)
  startFrame(4 + room)
  setUint32(frame, payloadStart, value)
  finishFrame(4 + utf8Write(frame, text, payloadStart + 4, room), type, id, mayWait)
}

/** Bytes of a log frame in front of its texts. */
const logHead = 6

/** Sends a log line: level, length of the places, length of the message, places, message, fields as JSON. */
export function sendLog(id: number, level: number, places: string, message: string, fields: string): void {
  const room = roomFor(message) + roomFor(fields)
  startFrame(logHead + places.length + room)
  frame[payloadStart] = level
  // ASCII of a few dozen characters.
  frame[payloadStart + 1] = places.length
  const start = logHead + utf8Write(frame, places, payloadStart + logHead, places.length)
  const messageBytes = utf8Write(frame, message, payloadStart + start, room)
  setUint32(frame, payloadStart + 2, messageBytes)
  const fieldBytes = fields === '' ? 0 : utf8Write(frame, fields, payloadStart + start + messageBytes, room - messageBytes)
  finishFrame(start + messageBytes + fieldBytes, toHost.log, id)
}

/** Sends one number. */
export function sendNumber(type: number, id: number, value: number): void {
  startFrame(4)
  setUint32(frame, payloadStart, value)
  finishFrame(4, type, id)
}

/** Sends bytes; they are copied. */
export function sendBytes(type: number, id: number, bytes: Uint8Array): void {
  const length = bytesLength(bytes)
  startFrame(length)
  typedArraySet(frame, bytes, payloadStart)
  finishFrame(length, type, id)
}

/** Bytes that the text may take as UTF-8; measured only when the worst case would not fit the scratch memory. */
function roomFor(text: string): number {
  return text.length * 3 <= scratchBytes - headerBytes - 4 ? text.length * 3 : utf8Length(text)
}

const header = new Uint8Array(headerBytes)
let headerLength = 0
let body: Uint8Array | undefined
let bodyLength = 0

function received(buffer: ArrayBuffer | undefined): void {
  // End of file or an error: the host closed the pipe.
  if (buffer === undefined) return exitNow(0)
  // Since Node 26 the memory may be larger than what was read into it.
  const total = bytesRead(handle)
  const end = mathMin(total - readBefore, arrayBufferLength(buffer))
  readBefore = total
  let offset = 0
  while (offset < end) {
    if (headerLength < headerBytes) {
      header[headerLength++] = new NativeUint8Array(buffer, offset++, 1)[0] ?? 0
      if (headerLength < headerBytes) {
        // The usual case: the rest of the header is here too.
        const bytes = new NativeUint8Array(buffer, offset)
        for (let index = 0; headerLength < headerBytes && offset < end; index++, offset++) header[headerLength++] = bytes[index] ?? 0
      }
      if (headerLength < headerBytes) return
      body = undefined
    }
    const length = getUint32(header, 0)
    let payload: Uint8Array
    if (body === undefined && end - offset >= length) {
      payload = new NativeUint8Array(buffer, offset, length)
      offset += length
    } else {
      body ??= new NativeUint8Array(length)
      const taken = Math.min(length - bodyLength, end - offset)
      typedArraySet(body, new NativeUint8Array(buffer, offset, taken), bodyLength)
      bodyLength += taken
      offset += taken
      if (bodyLength < length) return
      payload = body
    }
    headerLength = 0
    body = undefined
    bodyLength = 0
    listener(header[4] ?? 0, getUint32(header, 5), payload)
  }
}

/** Starts reading. */
export function listen(onFrame: FrameListener): void {
  listener = onFrame
  handle.onread = received
  handle.readStart()
}

/** Text of a payload from `start` on. */
export function textFrom(payload: Uint8Array, start = 0): string {
  const end = bytesLength(payload)
  return start >= end ? '' : utf8Slice(payload, start, end)
}
