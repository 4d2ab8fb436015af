import assert from 'node:assert'
import asyncHooks from 'node:async_hooks'
import buffer from 'node:buffer'
import crypto from 'node:crypto'
import events from 'node:events'
import path from 'node:path'
import perfHooks from 'node:perf_hooks'
import querystring from 'node:querystring'
import stream from 'node:stream'
import streamPromises from 'node:stream/promises'
import streamWeb from 'node:stream/web'
import stringDecoder from 'node:string_decoder'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import url from 'node:url'
import util from 'node:util'
import zlib from 'node:zlib'
import { denied } from './denied.ts'
import { mapGet, NativeMap } from './primordials.ts'

/**
 * Only the two classes: `createHook` and `executionAsyncResource` hand out the handle of the pipe, and with its
 * constructor a way to connect to any local socket.
 */
const asyncContext = { AsyncLocalStorage: asyncHooks.AsyncLocalStorage, AsyncResource: asyncHooks.AsyncResource }

const allowed = new NativeMap<string, () => unknown>([
  ['assert', () => assert],
  ['assert/strict', () => assert.strict],
  ['async_hooks', () => asyncContext],
  ['buffer', () => buffer],
  ['crypto', () => crypto],
  ['events', () => events],
  ['path', () => path],
  ['path/posix', () => path.posix],
  ['path/win32', () => path.win32],
  ['perf_hooks', () => perfHooks],
  ['querystring', () => querystring],
  ['stream', () => stream],
  ['stream/promises', () => streamPromises],
  ['stream/web', () => streamWeb],
  ['string_decoder', () => stringDecoder],
  ['timers', () => timers],
  ['timers/promises', () => timersPromises],
  ['url', () => url],
  ['util', () => util],
  ['util/types', () => util.types],
  ['zlib', () => zlib],
])

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
  ['child_process', 'call another function with ctx.functions.invoke'],
  ['worker_threads', 'call another function with ctx.functions.invoke'],
  ['process', 'use the global process'],
])

/** Gives a pure built-in of Node by its name without `node:`; `process` is the limited one. */
export function builtin(name: unknown): unknown {
  if (typeof name === 'string') {
    if (name === 'process') return globalThis.process
    if (name === 'console') return globalThis.console
    const give = mapGet(allowed, name)
    if (give !== undefined) return give()
  }
  const shown = typeof name === 'string' ? name : typeof name
  const remedy = typeof name === 'string' ? mapGet(remedies, name) : undefined
  throw denied(`Cannot use the module "${shown}": a function has no access to it${remedy === undefined ? '' : `; ${remedy}`}`)
}
