// A host that stands still while its sandboxes work: blocks itself, or says that it can be stopped now. Prints how its calls ended.
import { once } from 'node:events'
import { createExecutor } from '@cordon/executor'
import type { Capabilities, ExecutableVersion, Outcome } from '@cordon/contracts'
import { invoke, versionOfCode } from './harness.ts'

/** Longer than every deadline below, which are longer than the work. */
const standstillMs = 1500
const limits = { timeoutMs: 1000, loadTimeoutMs: 1000, queueMs: 1000 }
const [how] = process.argv.slice(2)

const wait = 'const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))'
const handlers: Record<string, string> = {
  'a small result': 'wait(300).then(() => "done")',
  'a result larger than a pipe': 'wait(300).then(() => "x".repeat(2_000_000))',
  'a failure': 'wait(300).then(() => { throw new Error("no") })',
  'a result with too much memory': 'wait(300).then(() => Buffer.alloc(120_000_000, 1).length)',
  'an answer of the host on its way': 'wait(300).then(() => ctx.db.query("select"))',
  'a crash': 'wait(300).then(() => process.exit(3))',
  nothing: 'wait(60_000)',
}
const versions = new Map<string, ExecutableVersion>()
for (const [name, handler] of Object.entries(handlers)) {
  versions.set(name, versionOfCode(`${wait}; handOver({ default: (input, ctx) => (input === 'warm' ? 1 : ${handler}) })`, limits))
}
const queued = versionOfCode(`${wait}; handOver({ default: () => wait(300) })`, { ...limits, concurrency: 1 })
const loading = versionOfCode(`${wait}; await wait(300); handOver({ default: () => 1 })`, limits)
const booting = versionOfCode('handOver({ default: () => 1 })', limits)
const capabilities: Capabilities = { call: async () => ({ fields: [], rows: [], rowCount: 0 }), end: async () => undefined }

let isSpare: () => void = () => undefined
const spareReady = new Promise<void>((resolve) => (isSpare = resolve))
const executor = await createExecutor({ hardening: 'basic', spares: 0 })
const withSpare = await createExecutor({ hardening: 'basic', spares: 1, onSandbox: ({ state }) => state === 'spare' && isSpare() })
const hasty = await createExecutor({ hardening: 'basic', spares: 0, bootTimeoutMs: 1000 })
await spareReady
await Promise.all([...versions.values(), queued].map((version) => invoke(executor, version, 'warm')))

const calls = new Map<string, Promise<Outcome>>()
for (const [name, version] of versions) calls.set(name, invoke(executor, version, undefined, { capabilities }))
calls.set('the first of a queue', invoke(executor, queued))
calls.set('the second of a queue', invoke(executor, queued))
calls.set('the third of a queue', invoke(executor, queued))
calls.set('a load', invoke(withSpare, loading))
// The load is asked for when the code of the version is there.
await new Promise((resolve) => setImmediate(resolve))
calls.set('a boot', invoke(hasty, booting))
if (how === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, standstillMs)
else {
  process.send?.('stop me')
  await once(process, 'message')
}

const ends: Record<string, string> = {}
for (const [name, call] of calls) {
  const outcome = await call
  ends[name] = outcome.kind === 'success' ? 'success' : outcome.error.code
}
process.stdout.write(`${JSON.stringify(ends)}\n`)
await Promise.all([executor, withSpare, hasty].map((one) => one.close()))
process.disconnect?.()
