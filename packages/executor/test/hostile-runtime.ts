import type { Executor } from '@cordon/contracts'
import { createExecutorFrom } from '../dist/executor.js'
import { selectHardening } from '../dist/hardening/select-hardening.js'
import { resolveExecutorOptions } from '../dist/options.js'

/** Frames as a program that is not our runtime would write them. `frame(type, id, payload)` -> bytes; `send` writes at once. */
const prologue = `
const { writeSync } = require('node:fs')
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
socket.on('data', (received) => {
  frames++
  if (frames === 1) return send(frame(33, 0, Buffer.concat([cpu, Buffer.from('json')])))
  attack(received)
})
send(frame(32, 0, Buffer.alloc(4)))
`

/** An executor whose sandboxes run `attack` instead of the user's function; the code can use `frame`, `send`, `cpu`, `socket` and what was `received`. */
export async function createHostileExecutor(attack: string): Promise<Executor> {
  const options = resolveExecutorOptions({ spares: 0 })
  return createExecutorFrom(options, await selectHardening('basic'), `${prologue}\nfunction attack(received) { ${attack} }`)
}
