/**
 * The physical limit that calls into a sandbox are compared with: two bare Node processes on a socket pair with the
 * same length-prefixed frames and the same JSON work, one call in flight, and nothing else.
 */
import { spawn } from 'node:child_process'

/** Bytes before the payload: length, type and call id, as in the product's own frames. */
const headerBytes = 9

/** The flags that matter for speed in a sandbox; the peer has them too. */
function nodeFlags() {
  const permission = Number(process.versions.node.split('.')[0]) >= 22 ? '--permission' : '--experimental-permission'
  return [permission, '--no-warnings', '--max-semi-space-size=2', '--max-old-space-size=128']
}

/** Frames -> payloads. Both sides run this very function: its source is part of the program of the child. */
function frameReader(headerSize, onPayload) {
  let pending
  return (chunk) => {
    pending = pending === undefined ? chunk : Buffer.concat([pending, chunk])
    while (pending !== undefined && pending.length >= headerSize) {
      const end = headerSize + pending.readUInt32LE(0)
      if (pending.length < end) return
      onPayload(pending.utf8Slice(headerSize, end))
      pending = pending.length === end ? undefined : pending.subarray(end)
    }
  }
}

function frame(headerSize, payload) {
  const length = Buffer.byteLength(payload)
  const bytes = Buffer.allocUnsafe(headerSize + length)
  bytes.writeUInt32LE(length, 0)
  bytes[4] = 1
  bytes.writeUInt32LE(1, 5)
  bytes.utf8Write(payload, headerSize)
  return bytes
}

const childProgram = `
${frameReader.toString()}
${frame.toString()}
const socket = new (require('node:net').Socket)({ fd: 3, readable: true, writable: true })
socket.on('data', frameReader(${headerBytes}, (payload) => socket.write(frame(${headerBytes}, JSON.stringify(JSON.parse(payload))))))
`

/** Starts the peer. `call(value)` resolves with the echoed value. */
export async function createRawEcho() {
  const child = spawn(process.execPath, [...nodeFlags(), '-e', childProgram], {
    env: { OPENSSL_CONF: '/dev/null' },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const socket = child.stdio[3]
  const waiting = []
  socket.on(
    'data',
    frameReader(headerBytes, (payload) => waiting.shift()(JSON.parse(payload))),
  )
  function call(value) {
    return new Promise((resolve) => {
      waiting.push(resolve)
      socket.write(frame(headerBytes, JSON.stringify(value)))
    })
  }
  await call({ ready: true })
  return {
    call,
    close() {
      child.kill('SIGKILL')
      socket.destroy()
    },
  }
}
