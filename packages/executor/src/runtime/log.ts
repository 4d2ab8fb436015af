import { format, inspect } from 'node:util'
import { logBytesPerMs, logEntryBytes, maxLogMessageBytes, toHost } from '../frames/protocol.ts'
import { calls, currentCall, type Call } from './call.ts'
import { pendingBytes, sendLog, sendText } from './channel.ts'
import { callerPlaces } from './places.ts'
import {
  NativeMap,
  dateNow,
  jsonStringify,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  mapSize,
  mathMin,
  stringSlice,
  uncurryThis,
} from './primordials.ts'

type Level = 0 | 1 | 2 | 3

let logBytes = 0
/** How long lines are held before they are looked at again, in milliseconds. */
const holdMs = 50
let isTimed = false
const { setTimeout: startTimer } = globalThis
const probe = startTimer(() => undefined, 0)
const unref = uncurryThis(probe.unref)
clearTimeout(probe)

/** Log bytes of one invocation that are kept. */
export function setLogLimit(bytes: number): void {
  logBytes = bytes
}

/**
 * Fresh log state of an invocation. The first half of the limit is sent at once. Then only so much per millisecond is; the rest is
 * held, its oldest lines dropped, and sent as soon as that allows it: the host has what was logged last also when the process dies.
 */
export function createLogState(): Call['logs'] {
  return { budget: logBytes / 2, filledAt: dateNow(), tail: [], tailBytes: 0, droppedBytes: 0 }
}

/** More than this unsent means the host is behind: further lines are held back. */
const maxPendingBytes = 131_072

/** Logs one line. Lines that belong to no invocation are dropped: nobody would see them. */
function log(level: Level, message: string, fields = ''): void {
  const call = currentCall()
  if (call === undefined || call.isOver) return
  // Three bytes a character at most; cut by characters so that no line is measured twice.
  const text = message.length > maxLogMessageBytes / 3 ? `${stringSlice(message, 0, maxLogMessageBytes / 3 - 1)}…` : message
  const kept = fields.length > maxLogMessageBytes / 3 ? '' : fields
  const state = call.logs
  // In a flood, where lines are held, nobody looks for the place of one.
  const places = state.tail.length === 0 && state.budget > 0 ? callerPlaces(log) : ''
  const size = text.length + kept.length + places.length + logEntryBytes
  if (size > state.budget || state.tail.length > 0) sendHeld(call)
  state.droppedBytes += message.length - text.length + fields.length - kept.length
  if (state.tail.length === 0 && size <= state.budget && pendingBytes() < maxPendingBytes) {
    state.budget -= size
    return sendLog(call.id, level, places, text, kept)
  }
  hold(state, [`${level}`, places, text, kept], size)
  if (!isTimed) {
    isTimed = true
    unref(startTimer(sendAllHeld, holdMs))
  }
}

function sendAllHeld(): void {
  isTimed = false
  mapForEach(calls, (call) => {
    sendHeld(call)
    if (call.logs.tail.length === 0 || isTimed) return
    isTimed = true
    unref(startTimer(sendAllHeld, holdMs))
  })
}

/** Sends what was held back, when the time that passed allows it. May overdraw the budget: then the next has to wait longer. */
function sendHeld(call: Call): void {
  const state = call.logs
  const now = dateNow()
  // The clock may have been set back.
  state.budget = mathMin(logBytes / 2, state.budget + (now > state.filledAt ? now - state.filledAt : 0) * logBytesPerMs)
  state.filledAt = now
  if (state.budget <= 0 || pendingBytes() >= maxPendingBytes) return
  state.budget -= state.tailBytes
  sendTail(call)
}

function hold(state: Call['logs'], entry: string[], size: number): void {
  state.tail[state.tail.length] = entry
  state.tailBytes += size
  // Dropped in large steps: the list is copied each time.
  if (state.tailBytes <= logBytes * 0.75) return
  let from = 0
  while (state.tailBytes > logBytes / 2 && from < state.tail.length) {
    const [, places, text, fields] = state.tail[from] ?? []
    const bytes = (text?.length ?? 0) + (fields?.length ?? 0)
    state.tailBytes -= bytes + (places?.length ?? 0) + logEntryBytes
    state.droppedBytes += bytes
    from++
  }
  state.tail = sliceFrom(state.tail, from)
}

function sliceFrom(list: string[][], from: number): string[][] {
  const rest: string[][] = []
  for (let index = from; index < list.length; index++) rest[rest.length] = list[index] ?? []
  return rest
}

function sendTail(call: Call): void {
  const state = call.logs
  for (let index = 0; index < state.tail.length; index++) {
    const [level, places, text, fields] = state.tail[index] ?? []
    sendLog(call.id, +(level ?? 0), places ?? '', text ?? '', fields ?? '')
  }
  state.tail = []
  state.tailBytes = 0
}

/** Sends what was held back; the invocation is about to end. */
export function flushLogs(call: Call): void {
  const state = call.logs
  if (state.tail.length > 0) sendTail(call)
  if (state.droppedBytes > 0) sendText(toHost.logDropped, call.id, `${state.droppedBytes}`)
}

function formatted(values: unknown[]): string {
  try {
    return format(...values)
  } catch {
    return '(a value that cannot be shown)'
  }
}

let timers = new NativeMap<string, number>()
let counts = new NativeMap<string, number>()
let indent = ''

/** No invocation runs any more: the next one counts, times and indents from the start. */
export function resetConsole(): void {
  indent = ''
  if (mapSize(counts) > 0) counts = new NativeMap()
  if (mapSize(timers) > 0) timers = new NativeMap()
}

/** `console` of a function: every line goes to the log of the invocation. */
export function createConsole(): Record<string, unknown> {
  function at(level: Level): (...values: unknown[]) => void {
    return (...values) => log(level, indent === '' ? formatted(values) : indent + formatted(values))
  }
  const info = at(1)
  const facade: Record<string, unknown> = {
    log: info,
    info,
    debug: at(0),
    warn: at(2),
    error: at(3),
    trace: (...values: unknown[]) => log(3, `Trace: ${formatted(values)}`),
    dir: (value: unknown, options?: object) => info(inspect(value, options)),
    dirxml: info,
    table: info,
    assert: (condition: unknown, ...values: unknown[]) => {
      if (!condition) log(3, `Assertion failed${values.length > 0 ? `: ${formatted(values)}` : ''}`)
    },
    count: (label = 'default') => {
      const count = (mapGet(counts, label) ?? 0) + 1
      mapSet(counts, label, count)
      info(`${label}: ${count}`)
    },
    countReset: (label = 'default') => void mapDelete(counts, label),
    group: (...values: unknown[]) => {
      if (values.length > 0) info(...values)
      if (indent.length < 40) indent += '  '
    },
    groupEnd: () => (indent = indent.slice(2)),
    time: (label = 'default') => void mapSet(timers, label, performance.now()),
    timeLog: (label = 'default', ...values: unknown[]) =>
      info(`${label}: ${(performance.now() - (mapGet(timers, label) ?? NaN)).toFixed(3)}ms`, ...values),
    timeEnd: (label = 'default') => {
      info(`${label}: ${(performance.now() - (mapGet(timers, label) ?? NaN)).toFixed(3)}ms`)
      mapDelete(timers, label)
    },
    clear: () => undefined,
  }
  facade['groupCollapsed'] = facade['group']
  return facade
}

/** `ctx.log`. */
export const contextLog = Object.freeze({
  debug: (message: unknown, fields?: unknown) => structured(0, message, fields),
  info: (message: unknown, fields?: unknown) => structured(1, message, fields),
  warn: (message: unknown, fields?: unknown) => structured(2, message, fields),
  error: (message: unknown, fields?: unknown) => structured(3, message, fields),
})

function structured(level: Level, message: unknown, fields: unknown): void {
  let json = ''
  if (typeof fields === 'object' && fields !== null) {
    try {
      json = jsonStringify(fields) ?? ''
    } catch {
      json = jsonStringify({ __proto__: null, unserialisable: formatted([fields]) })
    }
  }
  log(level, typeof message === 'string' ? message : formatted([message]), json)
}

/** Text that a function wrote to `process.stdout` or `stderr`, without its last line feed. */
export function logText(level: 'info' | 'error', text: string): void {
  log(level === 'info' ? 1 : 3, text.endsWith('\n') ? text.slice(0, -1) : text)
}
