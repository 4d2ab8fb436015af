/**
 * Start of a sandbox. Bundled into one classic script that the host passes to `node -e`; nothing here may be loaded
 * later, and everything that user code could change is taken before any of it runs.
 */
import { toHost, toSandbox } from '../frames/protocol.ts'
import { calls, runInOwnScope } from './call.ts'
import { getUint32, listen, sendNumber, textFrom } from './channel.ts'
import { endProcess } from './end-process.ts'
import { prepareGlobals, removeGlobals } from './globals.ts'
import { receiveReply } from './host-call.ts'
import { receiveBody, receiveBodyCancel, receiveBodyEnd, receiveCredit } from './http-body.ts'
import { compile, failLoad, getLoaded, load } from './load.ts'
import { fail } from './outcome.ts'
import { mapForEach, mapGet } from './primordials.ts'
import { guardRealProcess, realProcess } from './process-facade.ts'
import { fetch, invoke } from './run.ts'
import { warmUpHttp } from './warm-up.ts'

const env: Record<string, string> = {}

function receive(type: number, id: number, payload: Uint8Array): void {
  switch (type) {
    case toSandbox.load:
      return void load(payload, env)
    case toSandbox.invoke:
      return invoke(id, payload)
    case toSandbox.fetch:
      return fetch(id, payload)
    case toSandbox.body:
      return receiveBody(id, payload)
    case toSandbox.bodyEnd:
      return receiveBodyEnd(id, undefined)
    case toSandbox.bodyError:
      return receiveBodyEnd(id, textFrom(payload))
    case toSandbox.credit:
      return receiveCredit(id, getUint32(payload, 0))
    case toSandbox.bodyCancel:
      return receiveBodyCancel(id)
    case toSandbox.reply:
      return receiveReply(payload)
    case toSandbox.cancel:
      return cancel(id)
    case toSandbox.compile:
      return compile(payload)
    case toSandbox.warmUp:
      return warmUpHttp()
    default:
      return undefined
  }
}

function cancel(id: number): void {
  const call = mapGet(calls, id)
  if (call === undefined) return
  call.isCancelled = true
  call.abort?.abort()
}

// An exception nobody handles leaves the code in an unknown state: everything that runs here fails, and the host discards the sandbox.
realProcess.setUncaughtExceptionCaptureCallback((thrown) => {
  if (getLoaded() === undefined) return failLoad(thrown)
  let isRunning = false
  mapForEach(calls, (call) => {
    isRunning = true
    fail(call, thrown, true)
  })
  if (!isRunning) endProcess(1)
})

guardRealProcess()
prepareGlobals(env)
// Runs before the first frame is read.
realProcess.nextTick(removeGlobals)
listen((type, id, payload) => runInOwnScope(() => receive(type, id, payload)))
sendNumber(toHost.ready, 0, 0)
