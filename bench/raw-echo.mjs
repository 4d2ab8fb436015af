/**
 * The physical limit that calls into a sandbox are compared with: two bare Node processes on a socket pair with the
 * same length-prefixed frames and the same JSON work, and nothing else. One in flight, unless the caller starts more.
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
socket.on('data', frameReader(${headerBytes}, (payload) => socket.write(frame(${headerBytes}, respond(payload)))))
`

/** Starts the raw echo. `call(value)` resolves with the echoed value. */
export function createRawEcho() {
  return createEcho({ flags: nodeFlags(), respond: 'const respond = (payload) => JSON.stringify(JSON.parse(payload))' })
}

/** The same for other ways to answer: `respond` is the source of a function of that name, from JSON text to JSON text. */
export async function createEcho({ flags, respond }) {
  const child = spawn(process.execPath, [...flags, '-e', `${respond}\n${childProgram}`], {
    env: { OPENSSL_CONF: '/dev/null' },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const socket = child.stdio[3]
  const waiting = []
  socket.on(
    'data',
    frameReader(headerBytes, (payload) => waiting.shift().resolve(JSON.parse(payload))),
  )
  child.on('exit', (code) => {
    for (const { reject } of waiting) reject(new Error(`the echo process ended with code ${code}`))
  })
  function call(value) {
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
      socket.write(frame(headerBytes, JSON.stringify(value)))
    })
  }
  await call({ n: 0 })
  return {
    call,
    pid: child.pid,
    close() {
      child.removeAllListeners('exit')
      child.kill('SIGKILL')
      socket.destroy()
    },
  }
}
