import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { denied } from './denied.ts'
import { mapGet, NativeMap } from './primordials.ts'
import { timersModule } from './timers.ts'

/**
 * Only the two classes: `createHook` and `executionAsyncResource` hand out the handle of the pipe, and with its
 * constructor a way to connect to any local socket.
 */
const asyncContext = { AsyncLocalStorage, AsyncResource }

const { getBuiltinModule } = process

/**
 * What a function may have besides `async_hooks`. Loaded when a function asks for it: all of them together would double the time
 * that a sandbox takes to start (crypto and stream/web alone take 10 ms), and Node's own modules rely on nothing that user code can change.
 */
const allowed = new NativeMap<string, true>(
  [
    'assert',
    'assert/strict',
    'buffer',
    'crypto',
    'events',
    'path',
    'path/posix',
    'path/win32',
    'perf_hooks',
    'querystring',
    'stream',
    'stream/consumers',
    'stream/promises',
    'stream/web',
    'string_decoder',
    'timers/promises',
    'url',
    'util',
    'util/types',
    'zlib',
  ].map((name) => [name, true]),
)

/** What to use instead of a built-in that would need authority. */
const remedies = new NativeMap<string, string>([
  ['fs', 'bundle the data with the function or keep it in ctx.db'],
  ['fs/promises', 'bundle the data with the function or keep it in ctx.db'],
  ['sqlite', 'use ctx.db'],
  ['http', 'use fetch'],
  ['https', 'use fetch'],
  ['http2', 'use fetch'],
  ['net', 'use fetch, or ctx.db for the database'],
  ['tls', 'use fetch, or ctx.db for the database'],
  ['dns', 'use fetch, which finds the addresses itself'],
  ['dns/promises', 'use fetch, which finds the addresses itself'],
  ['dgram', 'use fetch'],
  ['child_process', 'call another function with ctx.functions.invoke'],
  ['worker_threads', 'call another function with ctx.functions.invoke'],
  ['process', 'use the global process'],
])

/** Gives a pure built-in of Node by its name without `node:`; `process` is the limited one. */
export function builtin(name: unknown): unknown {
  if (typeof name === 'string') {
    if (name === 'process') return globalThis.process
    if (name === 'console') return globalThis.console
    if (name === 'async_hooks') return asyncContext
    if (name === 'timers') return timersModule
    if (mapGet(allowed, name) === true) return getBuiltinModule(name)
  }
  const shown = typeof name === 'string' ? name : typeof name
  const remedy = typeof name === 'string' ? mapGet(remedies, name) : undefined
  throw denied(`Cannot use the module "${shown}": a function has no access to it${remedy === undefined ? '' : `; ${remedy}`}`)
}
