import { isRecord, JsonScanner, PlatformError, toPlatformError, type ErrorCode, type ExecutableVersion } from '@cordon/contracts'
import { encodeBytesFrame, uint32 } from '../frames/encoder.ts'
import { isDeeperThan } from '../frames/json-depth.ts'
import {
  logBytesPerMs,
  logEntryBytes,
  logLevels,
  maxBodyFrameBytes,
  maxFailureBytes,
  maxHeadBytes,
  maxHostCallBytes,
  maxHostCallKeys,
  maxHostCallBytesAtOnce,
  maxHostCalls,
  maxJsonDepth,
  maxLogFrameBytes,
  toHost,
  toSandbox,
} from '../frames/protocol.ts'
import type { Call } from './call.ts'
import { takeReportedCpu } from './cpu-time.ts'
import { parseFailure } from './failure.ts'
import { describeMisfit } from './misfit.ts'
import { HttpCall } from './http-call.ts'
import { JsonCall } from './json-call.ts'
import type { Sandbox } from './sandbox.ts'
import { describeFailure, locate, mapLog } from './stack-map.ts'

const lineFeed = 0x0a
/** Bytes of a log frame in front of its texts. */
const logHead = 6
/** The runtime never sends more log than the limit and framing; this leaves room for its own accounting. */
const maxLogFactor = 4
const minLogBytes = 1_000_000

/**
 * Failures of a host call that are the outcome of an invocation whose function lets them through. Any other, such as the TIMEOUT of a function
 * that it called or an argument it got wrong, is its own error.
 */
const canEndCall: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CANCELLED',
  'CAPABILITY_DENIED',
  'QUERY_TIMEOUT',
  'QUERY_FAILED',
  'OVERLOADED',
  'CLOSED',
  'SANDBOX_FAILED',
  'ACQUIRE_TIMEOUT',
  'STORE_UNAVAILABLE',
])

/** What a person calls the frames that may have more bytes than is obvious. */
const frameNames = new Map<number, string>([
  [toHost.result, 'an output'],
  [toHost.failure, 'a failure'],
  [toHost.head, 'a response head'],
  [toHost.body, 'a piece of a response body'],
  [toHost.call, 'a host call'],
  [toHost.log, 'a log line'],
])

/** What is wrong with a frame by its header alone: it has an unknown type, is too long, or belongs to no running call. */
export function refuseFrame(sandbox: Sandbox, type: number, id: number, length: number): string | undefined {
  const max = maxPayloadOf(type, sandbox.version)
  if (max < 0) return `a frame of the unknown type ${type}`
  if (length > max) return `${frameNames.get(type) ?? `a frame of type ${type}`} of ${length} bytes, allowed are ${max}`
  if (type >= toHost.result && !sandbox.calls.has(id)) return `a frame of type ${type} for a call that does not run`
  return undefined
}

/** Largest payload by frame type; -1 for a type the host does not know. */
function maxPayloadOf(type: number, version: ExecutableVersion | undefined): number {
  switch (type) {
    case toHost.ready:
    case toHost.credit:
    case toHost.bodyEnd:
    case toHost.bodyCancel:
      return 4
    case toHost.loaded:
      return 8
    case toHost.result:
      return 4 + (version?.limits.outputBytes ?? 0)
    case toHost.loadFailed:
    case toHost.failure:
      return maxFailureBytes
    case toHost.head:
      return maxHeadBytes
    case toHost.body:
      return maxBodyFrameBytes
    case toHost.bodyError:
    case toHost.logDropped:
      return 256
    case toHost.call:
      return maxHostCallBytes + 4
    case toHost.log:
      return maxLogFrameBytes
    default:
      return -1
  }
}

/** Takes a frame that belongs to a call. Everything in it is hostile. */
export function receiveFrame(sandbox: Sandbox, type: number, id: number, payload: Buffer): void {
  const call = sandbox.calls.get(id)
  if (call === undefined) return sandbox.violation(`a frame of type ${type} for a call that does not run`)
  call.hasBegun = true
  switch (type) {
    case toHost.result:
      return receiveResult(sandbox, call, payload)
    case toHost.failure:
      return receiveFailure(sandbox, call, payload)
    case toHost.call:
      return receiveHostCall(sandbox, call, payload)
    case toHost.log:
      return receiveLog(sandbox, call, payload)
    case toHost.logDropped:
      return receiveDropped(sandbox, call, payload)
    default:
      return receiveHttpFrame(sandbox, call, type, payload)
  }
}

/** Takes what has come so far of a frame that belongs to a call. */
export function receivePart(sandbox: Sandbox, type: number, id: number, payload: Buffer): void {
  if (type !== toHost.result || !(sandbox.calls.get(id) instanceof JsonCall)) return
  const wrong = sandbox.outputScan.take(payload)
  if (wrong !== undefined) sandbox.violation(`an output that cannot be used: ${wrong}`)
}

function receiveHttpFrame(sandbox: Sandbox, call: Call, type: number, payload: Buffer): void {
  if (!(call instanceof HttpCall)) return sandbox.violation('a frame of an HTTP exchange for a JSON function')
  let wrong: string | undefined
  if (type === toHost.head) wrong = isDeeperThan(payload, 0, maxJsonDepth) ? 'a head that is nested too deeply' : call.receiveHead(payload.toString())
  else if (type === toHost.body) wrong = call.receiveBody(payload)
  else if (type === toHost.bodyEnd) wrong = call.receiveBodyEnd()
  else if (type === toHost.credit) wrong = payload.length === 4 ? call.receiveCredit(payload.readUInt32LE(0)) : 'credit without a number'
  else if (type === toHost.bodyCancel) wrong = call.receiveBodyCancel()
  else if (type === toHost.bodyError) wrong = call.receiveBodyError()
  if (wrong !== undefined) sandbox.violation(wrong)
}

/** Ends the time measurement of a call; `false` when the payload is too short. */
function takeCpu(sandbox: Sandbox, call: Call, payload: Buffer): boolean {
  if (payload.length < 4) return false
  takeReportedCpu(sandbox, call, payload.readUInt32LE(0))
  return true
}

function receiveResult(sandbox: Sandbox, call: Call, payload: Buffer): void {
  if (!takeCpu(sandbox, call, payload)) return sandbox.violation('a result that is too short')
  if (call instanceof HttpCall) {
    if (!call.isComplete) return sandbox.violation('the end of an exchange before the end of its response')
    call.succeed(undefined)
    return sandbox.release(call)
  }
  if (payload.length === 4) {
    call.succeed(undefined)
  } else {
    const wrong = sandbox.outputScan.finish(payload)
    if (wrong !== undefined) return sandbox.violation(`an output that cannot be used: ${wrong}`)
    call.succeed(payload.toString('utf8', 4))
  }
  sandbox.release(call)
}

function receiveFailure(sandbox: Sandbox, call: Call, payload: Buffer): void {
  const isReadable = takeCpu(sandbox, call, payload) && !isDeeperThan(payload, 4, maxJsonDepth)
  const failure = isReadable ? parseFailure(payload.toString('utf8', 4)) : undefined
  if (failure === undefined || failure.code === 'LOAD_FAILED') return sandbox.violation('a failure that is not one')
  const { error } = failure
  // An error of a host call that the function let through: the host knows it better.
  const own = failure.origin === 0 ? undefined : call.hostErrors?.get(failure.origin)
  if (own !== undefined) call.fail(own)
  else if (failure.issues.length > 0 && failure.code !== 'FUNCTION_ERROR') call.fail(describeMisfit(failure.code, failure.issues))
  else if (failure.code === 'INVALID_INPUT') return sandbox.violation('a refused input without a reason')
  else if (failure.code === 'FUNCTION_ERROR') call.fail(describeFailure('FUNCTION_ERROR', error.message, error, sandbox.bundle))
  else call.fail(describeFailure(failure.code, `Cannot use the output: ${error.message}`, error, sandbox.bundle))
  if (failure.isFatal) sandbox.kill('CRASHED', 'Cannot go on: an exception that nobody handled left the sandbox in an unknown state', {})
  sandbox.release(call)
}

function receiveDropped(sandbox: Sandbox, call: Call, payload: Buffer): void {
  const bytes = Number(payload.toString('latin1'))
  if (!Number.isSafeInteger(bytes) || bytes < 0) return sandbox.violation('a number of dropped log bytes that is not one')
  if (call.logs.hasCount) return sandbox.violation('a second number of dropped log bytes')
  call.logs.drop(bytes)
}

function receiveLog(sandbox: Sandbox, call: Call, payload: Buffer): void {
  const level = logLevels[payload[0] ?? 255]
  const start = logHead + (payload[1] ?? 0)
  const end = payload.length < start ? Infinity : start + payload.readUInt32LE(2)
  if (level === undefined || end > payload.length) return sandbox.violation('a log line that is not one')
  const { logs } = call
  logs.receivedBytes += payload.length + logEntryBytes
  const ageMs = performance.now() - call.dispatchedAt
  const allowed = Math.max(minLogBytes, call.version.limits.logBytes * maxLogFactor) + ageMs * logBytesPerMs * maxLogFactor
  if (logs.receivedBytes > allowed) return sandbox.violation('more log than its runtime would')
  const message = mapLog(payload.toString('utf8', start, end), sandbox.bundle)
  const fields = end < payload.length ? parseFields(payload.subarray(end)) : undefined
  if (fields === null) return sandbox.violation('log fields that are not an object')
  const location = locate(payload.toString('latin1', logHead, start), sandbox.bundle)
  const entry = { level, message, ...(fields === undefined ? {} : { fields }), ...(location === undefined ? {} : { location }), time: Date.now() }
  logs.add(entry, payload.length - start)
}

function parseFields(json: Buffer): Record<string, unknown> | null {
  if (isDeeperThan(json, 0, maxJsonDepth)) return null
  try {
    const value: unknown = JSON.parse(json.toString())
    return isRecord(value) ? value : Array.isArray(value) ? { items: value } : null
  } catch {
    return null
  }
}

function receiveHostCall(sandbox: Sandbox, call: Call, payload: Buffer): void {
  const split = payload.indexOf(lineFeed, 4)
  if (split < 0 || split > 100) return sandbox.violation('a host call that is not one')
  const scanner = new JsonScanner(maxJsonDepth, maxHostCallKeys)
  if (!scanner.push(payload, split + 1) || !scanner.end()) return sandbox.violation(`a host call whose argument cannot be used: ${scanner.failure}`)
  if (call.hostCalls >= maxHostCalls) return sandbox.violation(`more host calls at once than the ${maxHostCalls} that are allowed`)
  const bytes = payload.length
  if (call.hostCalls > 0 && call.hostCallBytes + bytes > maxHostCallBytesAtOnce)
    return sandbox.violation(`host calls at once with more than ${maxHostCallBytesAtOnce} bytes of arguments`)
  const argument: unknown = JSON.parse(payload.toString('utf8', split + 1))
  call.hostCalls++
  call.hostCallBytes += bytes
  // Over only when the sandbox has taken the answer: one that never reads could have the host hold any number of them.
  const done = () => {
    call.hostCalls--
    call.hostCallBytes -= bytes
  }
  void answer(sandbox, call, payload.readUInt32LE(0), payload.toString('latin1', 4, split), argument, done)
}

async function answer(sandbox: Sandbox, call: Call, number: number, method: string, argument: unknown, done: () => void): Promise<void> {
  let text: string
  let isError = 0
  try {
    if (call.isSettled) throw new PlatformError('CANCELLED', 'Cannot answer: the invocation is over')
    text = JSON.stringify((await call.capabilities.call(method, argument)) ?? null)
  } catch (thrown) {
    const error = toPlatformError(thrown, 'SANDBOX_FAILED', `answer ${method.slice(0, 100)}`)
    if (canEndCall.has(error.code)) {
      call.hostErrors ??= new Map()
      // Only as many as a function can reasonably tell apart; it may provoke errors for ever.
      if (call.hostErrors.size < 1000) call.hostErrors.set(number, error)
    }
    text = JSON.stringify({ code: error.code, message: error.message, details: error.details })
    isError = 1
  }
  // A late answer for a call that is over would only cost a write.
  if (!sandbox.calls.has(call.id)) return done()
  sandbox.send(encodeBytesFrame(toSandbox.reply, call.id, uint32(number), Uint8Array.of(isError), Buffer.from(text)), done)
}
