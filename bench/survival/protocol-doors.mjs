/**
 * Programs that stand in the place of the runtime and break the protocol of frames. They run in real sandboxes of an
 * executor of their own, which has no analyzer and no database behind it.
 */
import { createReaper } from '@cordon/executor'
import { createExecutorFrom } from '../../packages/executor/dist/executor.js'
import { holdToCores } from '../../packages/executor/dist/hardening/cores.js'
import { selectHardening } from '../../packages/executor/dist/hardening/select-hardening.js'
import { resolveExecutorOptions } from '../../packages/executor/dist/options.js'

/** Greets, says it has loaded, and runs the code of the load frame as the attack on the first call. */
const runtime = `
const { Socket } = require('node:net')
function frame(type, id, payload) {
  const body = Buffer.from(payload ?? '')
  const head = Buffer.alloc(9)
  head.writeUInt32LE(body.length, 0); head[4] = type; head.writeUInt32LE(id, 5)
  return Buffer.concat([head, body])
}
const socket = new Socket({ fd: 3 })
const send = (...bytes) => socket.write(Buffer.concat(bytes))
const cpu = Buffer.alloc(4)
let frames = 0
let attack
socket.on('data', (chunk) => {
  if (++frames === 1) {
    const payload = chunk.subarray(9)
    attack = new Function('frame', 'send', 'cpu', 'socket', payload.toString('utf8', 4 + payload.readUInt32LE(0)))
    return send(frame(33, 0, Buffer.concat([cpu, Buffer.from('json')])))
  }
  if (frames === 2) attack(frame, send, cpu, socket)
})
send(frame(32, 0, Buffer.alloc(4)))
`

/** Numbers are those of packages/executor/src/frames/protocol.ts: 35 result, 36 failure, 37 head, 38 body, 42 host call, 43 log. */
const attacks = {
  garbage: 'send(Buffer.alloc(4096, 0xff))',
  'unknown type': 'send(frame(200, 1, "x"))',
  'oversized frame': 'const head = frame(35, 1); head.writeUInt32LE(7_000_000, 0); send(head)',
  'endless bytes': 'const more = () => socket.write(Buffer.alloc(65536), more); more()',
  'half a frame': 'send(frame(35, 1, cpu).subarray(0, 5))',
  'slow frame':
    'const bytes = frame(35, 1, Buffer.concat([cpu, Buffer.alloc(5000, 0x20)])); let at = 0; setInterval(() => send(bytes.subarray(at, ++at)), 1)',
  'forged result': 'send(frame(35, 77, cpu))',
  'repeated result': 'const result = frame(35, 1, Buffer.concat([cpu, Buffer.from("1")])); send(result, result, result)',
  'late frames': 'send(frame(35, 1, Buffer.concat([cpu, Buffer.from("1")]))); setTimeout(() => send(frame(43, 1, Buffer.from([1, 0, 0, 0, 0]))), 20)',
  'claim of a timeout': `send(frame(36, 1, Buffer.concat([cpu, Buffer.from('{"code":"TIMEOUT","origin":0,"error":{"name":"a","message":"b","stack":"c"}}')])))`,
  'result that is not JSON': 'send(frame(35, 1, Buffer.concat([cpu, Buffer.alloc(5_900_000, 0x7b)])))',
  'result of deep JSON': 'send(frame(35, 1, Buffer.concat([cpu, Buffer.from("[".repeat(2_900_000) + "]".repeat(2_900_000))])))',
  'head for a JSON call': `send(frame(37, 1, '{"status":200,"headers":[],"hasBody":true}'))`,
  'endless log':
    'const line = Buffer.concat(Array(1000).fill(frame(43, 1, Buffer.concat([Buffer.from([1, 60, 0, 0, 0]), Buffer.alloc(60, 97)])))); const more = () => socket.write(line, more); more()',
  'a million host calls':
    'const calls = Buffer.concat(Array(1000).fill(frame(42, 1, "\\0\\0\\0\\0db.query\\n{}"))); const more = () => socket.write(calls, more); more()',
  'large host calls':
    'const call = frame(42, 1, "\\0\\0\\0\\0db.query\\n" + JSON.stringify("x".repeat(16_000_000))); send(call); send(call); send(call)',
  'closed pipe': 'socket.destroy(); setInterval(() => {}, 1000)',
  'dead after the greeting': 'socket.end(() => process.exit(0))',
}

/** Starts the executor; each door is a class with a `call` that resolves with the code of the outcome. */
export async function createProtocolDoors({ cpus, timeoutMs, onSandbox }) {
  const reaper = createReaper()
  const options = resolveExecutorOptions({ cpus, onSandbox, reaper })
  const executor = createExecutorFrom(options, holdToCores(await selectHardening(options.hardening), cpus), runtime)
  const limits = {
    timeoutMs,
    loadTimeoutMs: 5000,
    memoryMb: 128,
    concurrency: 10,
    instanceConcurrency: 1,
    queueLength: 1000,
    queueMs: 30_000,
    payloadBytes: 6_000_000,
    outputBytes: 6_000_000,
    logBytes: 256_000,
  }
  const request = { method: 'POST', url: '/', path: '/', query: {}, headers: {} }
  const capabilities = { call: () => new Promise(() => {}), end: async () => {} }
  const doors = Object.entries(attacks).map(([name, code]) => {
    const version = {
      tenant: 'default',
      function: `door ${name}`,
      version: 'v_1',
      limits,
      env: {},
      loadBundle: async () => ({ code, sourceMap: '', hash: name }),
    }
    return {
      group: 'protocol doors',
      name,
      async call() {
        const outcome = await executor.invoke(version, { invocationId: 'inv_1', user: null, capabilities, inputJson: undefined, request })
        return outcome.kind === 'success' ? 'success' : outcome.error.code
      },
    }
  })
  return { doors, close: () => executor.destroy().then(() => reaper.close()) }
}
