import { expect } from 'chai'
import type { Executor, Outcome } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { invoke, outputOf, versionOf, versionOfCode } from './harness.ts'
import { createHostileExecutor } from './hostile-runtime.ts'

/** What the host has to know about the end of a call. `some`: more than 0. */
interface Expected {
  readonly end: string
  readonly coldStart: boolean
  readonly loadMs: 0 | 'some' | 'any'
  readonly durationMs: 0 | 'some'
  readonly peakMemoryMb: 0 | 'some' | 'any'
}

const ran = { coldStart: true, loadMs: 'some', durationMs: 'some', peakMemoryMb: 'any' } as const
const neverRan = { coldStart: false, loadMs: 0, durationMs: 0, peakMemoryMb: 0 } as const
const failedStart = { coldStart: true, loadMs: 'some', durationMs: 0, peakMemoryMb: 'any' } as const

const fresh = (options = {}) => createExecutor({ spares: 0, ...options })
const slow = () => versionOf('wait.mjs', { timeoutMs: 20_000, concurrency: 1 })

/** Every way in which a call can end, with the executor it ends in. */
const ends: readonly [what: string, expected: Expected, end: (executor: Executor) => Promise<Outcome>, create?: () => Promise<Executor>][] = [
  ['success, cold', { end: 'success', ...ran, peakMemoryMb: 'some' }, (executor) => invoke(executor, versionOf('wait.mjs'), { ms: 60 })],
  [
    'success, warm',
    { end: 'success', ...ran, coldStart: false, loadMs: 0 },
    async (executor) => {
      const version = versionOf('wait.mjs')
      outputOf(await invoke(executor, version, { ms: 1 }))
      return invoke(executor, version, { ms: 60 })
    },
  ],
  ['an exception', { end: 'FUNCTION_ERROR', ...ran }, (executor) => invoke(executor, versionOf('endings.mjs'), 'recursion')],
  [
    'its deadline',
    { end: 'TIMEOUT', ...ran, peakMemoryMb: 'some' },
    (executor) => invoke(executor, versionOf('endings.mjs', { timeoutMs: 150 }), 'loop'),
  ],
  [
    'too much memory',
    { end: 'MEMORY_LIMIT', ...ran, peakMemoryMb: 'some' },
    (executor) => invoke(executor, versionOf('endings.mjs', { memoryMb: 64, timeoutMs: 20_000 }), 'heap'),
  ],
  ['a crash', { end: 'CRASHED', ...ran }, (executor) => invoke(executor, versionOf('endings.mjs'), 'exit1')],
  [
    'a violation',
    { end: 'PROTOCOL_VIOLATION', ...ran },
    (executor) => invoke(executor, versionOfCode('')),
    () => createHostileExecutor('send(frame(99, 1))'),
  ],
  ['a load that throws', { end: 'LOAD_FAILED', ...failedStart }, (executor) => invoke(executor, versionOf('load-throws.mjs'))],
  ['a load that never ends', { end: 'TIMEOUT', ...failedStart }, (executor) => invoke(executor, versionOf('load-loops.mjs', { loadTimeoutMs: 150 }))],
  ['a crash while it loads', { end: 'CRASHED', ...failedStart }, (executor) => invoke(executor, versionOf('load-exits.mjs'))],
  ['a signal before it began', { end: 'CANCELLED', ...neverRan }, (executor) => invoke(executor, slow(), { ms: 1 }, { signal: AbortSignal.abort() })],
  [
    'a signal in the queue',
    { end: 'CANCELLED', ...neverRan },
    (executor) => {
      const version = slow()
      void invoke(executor, version, { ms: 1000 })
      return abortNow((signal) => invoke(executor, version, { ms: 1 }, { signal }))
    },
  ],
  [
    'a signal while it waits for a sandbox',
    { end: 'CANCELLED', ...neverRan },
    async (executor) => {
      const busy = slow()
      outputOf(await invoke(executor, busy, { ms: 1 }))
      void invoke(executor, busy, { ms: 1000 })
      return abortNow((signal) => invoke(executor, slow(), { ms: 1 }, { signal }))
    },
    () => fresh({ maxSandboxes: 1 }),
  ],
  [
    'a signal while its sandbox boots',
    { end: 'CANCELLED', ...neverRan, coldStart: true, peakMemoryMb: 'any' },
    (executor) => abortNow((signal) => invoke(executor, slow(), { ms: 1 }, { signal })),
  ],
  [
    'a signal while it runs',
    { end: 'CANCELLED', ...ran, coldStart: false, loadMs: 0 },
    async (executor) => {
      const version = slow()
      outputOf(await invoke(executor, version, { ms: 1 }))
      return abortNow((signal) => invoke(executor, version, { ms: 1000 }, { signal }))
    },
  ],
  [
    'a full queue',
    { end: 'OVERLOADED', ...neverRan },
    (executor) => {
      const version = versionOf('wait.mjs', { concurrency: 1, queueLength: 0 })
      void invoke(executor, version, { ms: 1000 })
      return invoke(executor, version, { ms: 1 })
    },
  ],
  [
    'a wait that was too long',
    { end: 'OVERLOADED', ...neverRan },
    (executor) => {
      const version = versionOf('wait.mjs', { concurrency: 1, queueMs: 20, timeoutMs: 20_000 })
      void invoke(executor, version, { ms: 1000 })
      return invoke(executor, version, { ms: 1 })
    },
  ],
  [
    'an end of the platform while it runs',
    { end: 'CLOSED', ...ran, coldStart: false, loadMs: 0 },
    async (executor) => {
      const version = slow()
      outputOf(await invoke(executor, version, { ms: 1 }))
      const outcome = invoke(executor, version, { ms: 1000 })
      await executor.destroy()
      return outcome
    },
  ],
  [
    'a platform that is closed',
    { end: 'CLOSED', ...neverRan },
    async (executor) => {
      await executor.close()
      return invoke(executor, slow(), { ms: 1 })
    },
  ],
]

function abortNow(call: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
  const controller = new AbortController()
  const outcome = call(controller.signal)
  controller.abort()
  return outcome
}

describe('the outcome of a call', () => {
  for (const [what, expected, end, create = fresh] of ends) {
    it(`holds every measure after ${what}`, async () => {
      const executor = await create()
      const outcome = await end(executor)
      await executor.destroy()
      expect(outcome.kind === 'success' ? 'success' : outcome.error.code).to.equal(expected.end)
      expect(outcome.coldStart).to.equal(expected.coldStart)
      for (const name of ['queueMs', 'bootMs', 'loadMs', 'durationMs', 'cpuMs', 'peakMemoryMb'] as const) {
        expect(outcome[name], name).to.be.a('number').and.to.be.within(0, 60_000)
        if (name.endsWith('Ms')) expect(outcome[name], name).to.equal(Number(outcome[name].toFixed(3)))
      }
      for (const name of ['loadMs', 'durationMs', 'peakMemoryMb'] as const) {
        const wanted = expected[name]
        if (wanted === 'some') expect(outcome[name], name).to.be.greaterThan(0)
        else if (wanted === 0) expect(outcome[name], name).to.equal(0)
      }
      expect(outcome.logs).to.be.an('array')
      expect(outcome.droppedLogBytes).to.equal(0)
      expect(executor.stats()).to.include({ running: 0, queued: 0 })
    })
  }
})
