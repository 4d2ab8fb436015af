import { PlatformError } from '@cordon/contracts'
import type { Call } from '../sandbox/call.ts'
import type { Gate } from './gate.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** The refusal of a call that does not get past the limit of its function. */
export function functionOverloaded(call: Call, gate: Gate, reason: string): PlatformError {
  const { concurrency } = call.version.limits
  return refusal(call, `${gate.running} calls of it run, as many as may (${concurrency}); ${reason}`, {
    scope: 'function',
    retryAfterMs: gate.pace.after((gate.line.length + 1) / concurrency),
    running: gate.running,
    queued: gate.line.length,
    concurrency,
  })
}

/** The refusal of a call that does not get past the limit of its tenant. */
export function tenantOverloaded(call: Call, gate: Gate, reason: string): PlatformError {
  const { tenant } = gate
  const { concurrency } = tenant
  // The other functions of the tenant have their turns, too, but how many there are by then is not known.
  return refusal(call, `${tenant.running} calls of its tenant run, as many as may (${concurrency}); ${reason}`, {
    scope: 'tenant',
    retryAfterMs: tenant.pace.after((gate.line.length + 1) / concurrency),
    running: tenant.running,
    queued: gate.line.length,
    concurrency,
  })
}

/** The refusal of a call for which the host has no sandbox, or no place to wait. */
export function hostOverloaded(call: Call, room: WaitingRoom, reason: string): PlatformError {
  return refusal(call, reason, { scope: 'host', retryAfterMs: room.pace.after(1), waiting: room.size, maxWaiting: room.max })
}

function refusal(call: Call, reason: string, details: Readonly<Record<string, unknown>>): PlatformError {
  return new PlatformError('OVERLOADED', `Cannot run the function "${call.version.function}" now: ${reason}`, { details })
}
