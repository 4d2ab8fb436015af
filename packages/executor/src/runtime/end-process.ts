import { idleExitCode, plainExitCode } from '../frames/protocol.ts'
import { calls, isIdle } from './call.ts'
import { flush, pendingBytes } from './channel.ts'
import { exitNow } from './exit.ts'
import { flushLogs } from './log.ts'
import { mapForEach } from './primordials.ts'

/** Ends the process because user code asked for it, or failed where no invocation is to blame; tells the host when nothing ran. */
export function endProcess(code: number): never {
  mapForEach(calls, flushLogs)
  // Other calls may have ended in this turn.
  flush()
  if (isIdle() && pendingBytes() === 0) exitNow(idleExitCode)
  // All that is seen of it outside.
  const byte = code & 0xff
  return exitNow(byte === 1 || byte === idleExitCode ? plainExitCode : byte)
}
