import type { Executor, HttpResponse, Outcome } from '@cordon/contracts'
import { expect } from 'chai'
import { encodeBytesFrame, encodeNumberFrame, encodeTextFrame } from '../dist/frames/encoder.js'
import {
  headerBytes,
  maxBodyFrameBytes,
  maxFailureBytes,
  maxHeadBytes,
  maxHostCallBytes,
  maxLogFrameBytes,
  toHost,
  toSandbox,
} from '../dist/frames/protocol.js'
import { fetchFrom, invoke, versionOfCode } from './harness.ts'
import { createScriptedExecutor, settle, type ScriptedSandbox } from './scripted-sandbox.ts'

/** Where a sandbox can be when a frame comes from it. `http`: no response head yet; `open`: the response body is under way; `ended`: it is complete. */
const states = ['booting', 'spare', 'loading', 'idle', 'json', 'http', 'open', 'ended', 'cancelled', 'dying'] as const
type State = (typeof states)[number]

const duringCalls: readonly State[] = ['json', 'http', 'open', 'ended', 'cancelled']
const cpu = Buffer.alloc(4)
const error = '"origin":0,"error":{"name":"Error","message":"no","stack":""}'
const outputBytes = 4096

interface Door {
  readonly name: keyof typeof toHost
  /** A frame as the runtime would send it. */
  readonly payload: Buffer
  /** States in which the runtime sends such a frame. Everywhere else it is a violation. */
  readonly taken: readonly State[]
  /** Largest payload. */
  readonly max: number
  /** May come again after it was taken. */
  readonly isRepeatable?: boolean
  /** Anything goes as its payload. */
  readonly isFree?: boolean
}

const doors: readonly Door[] = [
  { name: 'ready', payload: Buffer.alloc(4), taken: ['booting'], max: 4, isFree: true },
  { name: 'loaded', payload: Buffer.from('\0\0\0\0json'), taken: ['loading'], max: 8 },
  { name: 'loadFailed', payload: Buffer.from(`{"code":"LOAD_FAILED",${error}}`), taken: ['loading'], max: maxFailureBytes },
  { name: 'result', payload: Buffer.alloc(4), taken: ['json', 'ended', 'cancelled'], max: outputBytes + 4 },
  { name: 'failure', payload: Buffer.from(`\0\0\0\0{"code":"FUNCTION_ERROR",${error}}`), taken: duringCalls, max: maxFailureBytes },
  { name: 'head', payload: Buffer.from('{"status":200,"headers":[],"hasBody":true}'), taken: ['http'], max: maxHeadBytes },
  { name: 'body', payload: Buffer.from('x'), taken: ['open'], max: maxBodyFrameBytes, isRepeatable: true },
  { name: 'bodyEnd', payload: Buffer.alloc(4), taken: ['open'], max: 4, isFree: true },
  { name: 'bodyError', payload: Buffer.from('x'), taken: ['open'], max: 256, isFree: true },
  { name: 'credit', payload: Buffer.from([4, 0, 0, 0]), taken: ['http', 'open', 'ended'], max: 4 },
  { name: 'call', payload: Buffer.from('\u0001\0\0\0db.query\n{}'), taken: duringCalls, max: maxHostCallBytes + 4, isRepeatable: true },
  { name: 'log', payload: Buffer.from('\u0001\0\u0001\0\0\0x'), taken: duringCalls, max: maxLogFrameBytes, isRepeatable: true },
  { name: 'logDropped', payload: Buffer.from('5'), taken: duringCalls, max: 256, isFree: true },
  { name: 'bodyCancel', payload: Buffer.alloc(4), taken: ['http', 'open', 'ended'], max: 4, isFree: true },
  // Only a process that compiles sends it, which is no sandbox; see code-cache.test.ts.
  { name: 'compiled', payload: Buffer.from('x'), taken: [], max: 0, isFree: true },
]
const unknownTypes = [0, ...Object.values(toSandbox), 31, 47, 255]

/** A sandbox that was brought into a state, and what came of its call. */
interface Scene {
  readonly executor: Executor
  readonly sandbox: ScriptedSandbox
  /** Why the host ended its sandbox. */
  readonly deaths: readonly string[]
  readonly outcome: Promise<Outcome> | undefined
  readonly response: Promise<HttpResponse> | undefined
}

describe('every frame in every state', function () {
  this.timeout(60_000)

  it('is a row of the table', () => {
    expect(doors.map(({ name }) => name)).to.have.members(Object.keys(toHost))
  })

  for (const state of states) {
    describe(`of a sandbox that is ${state}`, () => {
      for (const door of doors) {
        const isTaken = door.taken.includes(state)
        const frame = encodeBytesFrame(toHost[door.name], isCallFrame(door) ? 1 : 0, door.payload)

        it(`${isTaken ? 'takes' : 'refuses'} ${door.name}, whole and split at every byte`, async () => {
          for (let cut = 0; cut < frame.length; cut++) {
            const { scene, end } = await play(state, async ({ sandbox }) => {
              if (cut > 0) sandbox.send(frame.subarray(0, cut))
              if (cut > 0) await settle()
              sandbox.send(frame.subarray(cut))
            })
            // A load that fails ends the sandbox too, for its own reason.
            expect(end, `cut at ${cut}`).to.be.oneOf([isTaken && door.name !== 'loadFailed' ? 'none' : 'killed', 'overdue'])
            if (state === 'booting' || state === 'spare' || state === 'idle') continue
            if (!isTaken && state !== 'dying' && state !== 'cancelled') expect(await codeOf(scene)).to.equal('PROTOCOL_VIOLATION')
          }
        })

        if (isTaken) {
          it(`takes ${door.name} ${door.isRepeatable === true ? 'again' : 'once at most'}`, async () => {
            const { end } = await play(state, async ({ sandbox }) => sandbox.send(...Array.from({ length: 3 }, () => frame)))
            expect(end).to.be.oneOf([door.isRepeatable === true ? 'none' : 'killed', 'overdue'])
          })
        }

        it(`refuses ${door.name} for another call, too long by its header alone, or with a payload that is not one`, async () => {
          const tooLong = Buffer.from(frame.subarray(0, headerBytes))
          tooLong.writeUInt32LE(door.max + 1)
          const bad: Buffer[] = [tooLong]
          if (isCallFrame(door)) bad.push(encodeBytesFrame(toHost[door.name], 77, door.payload))
          if (door.isFree !== true) bad.push(encodeBytesFrame(toHost[door.name], 1), encodeBytesFrame(toHost[door.name], 1, Buffer.alloc(3, 0xff)))
          for (const [index, bytes] of bad.entries()) {
            if (door.name === 'body' && index === 3) continue
            const { end } = await play(state, async ({ sandbox }) => sandbox.send(bytes))
            expect(end, `frame ${index}`).to.be.oneOf(['killed', 'overdue'])
          }
        })
      }

      it('refuses every type that no sandbox sends', async () => {
        for (const type of unknownTypes) {
          const { end } = await play(state, async ({ sandbox }) => sandbox.send(encodeNumberFrame(type, 1, 1)))
          expect(end, `type ${type}`).to.be.oneOf(['killed', 'overdue'])
        }
      })

      it('ends when its channel does, in the middle of a frame too', async () => {
        for (const bytes of [Buffer.alloc(0), encodeTextFrame(toHost.log, 1, 'half').subarray(0, 11)]) {
          const { end } = await play(state, async ({ sandbox }) => {
            sandbox.channel.write(bytes)
            sandbox.channel.end()
          })
          expect(end).to.be.oneOf(['killed', 'overdue'])
        }
      })
    })
  }
})

function isCallFrame(door: Door): boolean {
  return toHost[door.name] >= toHost.result
}

/** Whether the host killed a sandbox for what it did. `overdue`: because its cancelled call did not end in time, as on a machine that is busy. */
type End = 'none' | 'killed' | 'overdue'

/** Brings a sandbox into a state, lets it act, and says how that ended. */
async function play(state: State, act: (scene: Scene) => Promise<void>): Promise<{ scene: Scene; end: End }> {
  const scene = await reach(state)
  if (state === 'dying') expect(scene.sandbox.isKilled).to.equal(true)
  await act(scene)
  await settle()
  const { isKilled } = scene.sandbox
  await close(scene)
  const isOverdue = state === 'cancelled' && scene.deaths.includes('CANCELLED')
  return { scene, end: isOverdue ? 'overdue' : isKilled ? 'killed' : 'none' }
}

async function reach(state: State): Promise<Scene> {
  const deaths: string[] = []
  const { executor, sandboxes } = createScriptedExecutor({
    spares: state === 'booting' || state === 'spare' ? 1 : 0,
    onSandbox: ({ reason }) => reason !== undefined && deaths.push(reason),
  })
  const isHttp = state === 'http' || state === 'open' || state === 'ended'
  const version = versionOfCode('', { outputBytes })
  const cancel = new AbortController()
  let outcome: Promise<Outcome> | undefined
  let response: Promise<HttpResponse> | undefined
  if (isHttp) {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('1234')) })
    const exchange = fetchFrom(executor, version, '/', { body }, { capabilities: silent })
    ;({ outcome, response } = exchange)
    response.catch(() => undefined)
  } else if (state !== 'booting' && state !== 'spare') {
    outcome = invoke(executor, version, 1, { signal: cancel.signal, capabilities: silent })
  }
  await settle()
  const [sandbox] = sandboxes
  if (sandbox === undefined) throw new Error('no sandbox was started')
  const scene = { executor, sandbox, deaths, outcome, response }
  if (state === 'booting') return scene
  sandbox.send(encodeNumberFrame(toHost.ready, 0, 0))
  await settle()
  if (state === 'spare') return scene
  await sandbox.until(toSandbox.load)
  if (state === 'loading') return scene
  sandbox.send(encodeBytesFrame(toHost.loaded, 0, cpu, Buffer.from(isHttp ? 'http' : 'json')))
  await sandbox.until(isHttp ? toSandbox.body : toSandbox.invoke)
  if (state === 'idle') sandbox.send(encodeBytesFrame(toHost.result, 1, cpu))
  if (state === 'open' || state === 'ended') sandbox.send(encodeTextFrame(toHost.head, 1, '{"status":200,"headers":[],"hasBody":true}'))
  if (state === 'ended') sandbox.send(encodeNumberFrame(toHost.bodyEnd, 1, 0))
  if (state === 'cancelled') cancel.abort()
  if (state === 'dying') {
    sandbox.isClinging = true
    sandbox.send(encodeNumberFrame(99, 1, 0))
  }
  await settle()
  return scene
}

const silent = { call: () => new Promise<never>(() => undefined), end: async () => undefined }

async function codeOf({ outcome }: Scene): Promise<string> {
  const result = await outcome
  return result?.kind === 'failure' ? result.error.code : 'none'
}

async function close({ executor, sandbox }: Scene): Promise<void> {
  const closed = executor.destroy()
  if (sandbox.isClinging) sandbox.end()
  await closed
}
