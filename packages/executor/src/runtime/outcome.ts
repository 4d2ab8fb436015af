import { maxJsonDepth, toHost } from '../frames/protocol.ts'
import { callEnded, calls, leaveCall, type Call } from './call.ts'
import { sendNumberAndText } from './channel.ts'
import { describeError } from './describe-error.ts'
import { dropHostCalls, originOf } from './host-call.ts'
import { flushLogs, resetConsole } from './log.ts'
import { charCodeAt, dateNow, jsonStringify, mapDelete, mapSize, objectToString, utf8Length } from './primordials.ts'
import { cpuMicros } from './process-facade.ts'
import { endTimers } from './timers.ts'
import { checkNoOutput, checkOutput, outputJson } from './validators.ts'

let outputBytes = 0

/** Largest output in bytes. */
export function setOutputLimit(bytes: number): void {
  outputBytes = bytes
}

let cpu = 0
let cpuReadAt = 0

/** CPU time in microseconds; not looked at again for calls that end together within a millisecond, where it is a tenth of the work. */
function cpuNow(): number {
  const now = dateNow()
  if (now !== cpuReadAt || mapSize(calls) === 0) {
    cpu = cpuMicros()
    cpuReadAt = now
  }
  return cpu
}

/** Ends an invocation with a result or failure, after its logs. */
function end(call: Call, type: number, text: string): void {
  flushLogs(call)
  leaveCall(call)
  mapDelete(calls, call.id)
  dropHostCalls(call)
  endTimers(call)
  if (mapSize(calls) === 0) resetConsole()
  // Alone it leaves at once; beside others it waits for those that end in this turn, too.
  sendNumberAndText(type, call.id, cpuNow(), text, mapSize(calls) > 0)
  callEnded()
}

/** The function returned a value; what JSON cannot hold is INVALID_OUTPUT. */
export function succeed(call: Call, output: unknown): void {
  if (call.isOver) return
  let json: string | undefined
  try {
    if (output === undefined) {
      const issues = checkNoOutput()
      return issues === undefined ? end(call, toHost.result, '') : refuseValue(call, 'INVALID_OUTPUT', issues)
    }
    if (typeof output === 'object' && objectToString(output) === '[object Response]') {
      return refuse(
        call,
        'INVALID_OUTPUT',
        'it is a Response; a function that answers HTTP requests exports an object: export default { fetch(request, env, ctx) { … } }',
      )
    }
    json = outputJson(output)
  } catch (thrown) {
    return refuseThrown(call, thrown)
  }
  if (json === undefined) return refuse(call, 'INVALID_OUTPUT', `JSON has no form for a ${typeof output}`)
  if (json.length > outputBytes || (json.length * 3 > outputBytes && utf8Length(json) > outputBytes)) {
    return refuse(call, 'OUTPUT_LIMIT', `it has ${utf8Length(json)} bytes, allowed are ${outputBytes}`)
  }
  if (isTooDeep(json)) return refuse(call, 'INVALID_OUTPUT', `it is nested deeper than ${maxJsonDepth} levels`)
  let issues: string | undefined
  try {
    issues = checkOutput(output, json)
  } catch (thrown) {
    return refuseThrown(call, thrown)
  }
  if (issues !== undefined) return refuseValue(call, 'INVALID_OUTPUT', issues)
  end(call, toHost.result, json)
}

/** The input or the output does not fit its schema; `issues` is a JSON list. */
export function refuseValue(call: Call, code: 'INVALID_INPUT' | 'INVALID_OUTPUT', issues: string): void {
  end(call, toHost.failure, `{"code":"${code}","origin":0,"fatal":false,"issues":${issues},"error":{"name":"Error","message":"","stack":""}}`)
}

/** The exchange of an HTTP function is complete. */
export function finish(call: Call): void {
  if (!call.isOver) end(call, toHost.result, '')
}

/** The function threw, or something it started did. */
export function fail(call: Call, thrown: unknown, isFatal = false): void {
  if (call.isOver) return
  end(call, toHost.failure, `{"code":"FUNCTION_ERROR","origin":${originOf(thrown)},"fatal":${isFatal},"error":${describeError(thrown)}}`)
}

/** The function's answer cannot be used; `reason` says why. */
export function refuse(call: Call, code: string, reason: string): void {
  end(call, toHost.failure, `{"code":"${code}","origin":0,"fatal":false,"error":{"name":"Error","message":${jsonStringify(reason)},"stack":""}}`)
}

function refuseThrown(call: Call, thrown: unknown): void {
  end(call, toHost.failure, `{"code":"INVALID_OUTPUT","origin":0,"fatal":false,"error":${describeError(thrown)}}`)
}

function isTooDeep(json: string): boolean {
  if (json.length <= maxJsonDepth * 2) return false
  let depth = 0
  let isString = false
  for (let index = 0; index < json.length; index++) {
    const unit = charCodeAt(json, index)
    if (isString) {
      if (unit === 0x5c) index++
      else if (unit === 0x22) isString = false
    } else if (unit === 0x22) {
      isString = true
    } else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > maxJsonDepth) return true
    } else if (unit === 0x5d || unit === 0x7d) {
      depth--
    }
  }
  return false
}
