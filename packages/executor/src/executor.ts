import {
  PlatformError,
  type ExecutableVersion,
  type Executor,
  type ExecutorStats,
  type HttpExchange,
  type HttpInvocation,
  type JsonInvocation,
  type Outcome,
} from '@cordon/contracts'
import { Fleet } from './fleet/fleet.ts'
import type { VersionPool } from './fleet/version-pool.ts'
import type { FleetOwner } from './fleet/waiting-calls.ts'
import { holdToCores } from './hardening/cores.ts'
import type { Hardening } from './hardening/hardening.ts'
import { readRuntime, sandboxCommand, type RuntimeSource } from './hardening/sandbox-command.ts'
import { selectHardening } from './hardening/select-hardening.ts'
import { startProcess } from './hardening/start-process.ts'
import { resolveExecutorOptions, type ExecutorOptions, type ResolvedExecutorOptions } from './options.ts'
import type { Call, CallOwner } from './sandbox/call.ts'
import { HttpCall } from './sandbox/http-call.ts'
import { JsonCall } from './sandbox/json-call.ts'
import type { Gate } from './limiter/gate.ts'
import { Limiter } from './limiter/limiter.ts'
import { functionOverloaded, hostOverloaded, tenantOverloaded } from './limiter/overloaded.ts'
import type { Tenant } from './limiter/tenant.ts'
import type { Isolation } from './sandbox/sandbox-process.ts'

/** Before an overdue call is looked at again while a sandbox for it is on its way, in milliseconds. */
const recheckMs = 100

/**
 * Starts an executor: picks the sandbox level and boots spares. It is ready to use when the promise resolves; the
 * spares come up in the background.
 *
 * @throws PlatformError INVALID_OPTION, HARDENING_UNAVAILABLE, SANDBOX_FAILED when the runtime was not built
 */
export async function createExecutor(options?: ExecutorOptions): Promise<Executor> {
  const resolved = resolveExecutorOptions(options)
  const runtime = readRuntime()
  // Beside the self-check, which takes about as long.
  if (resolved.spares > 0) resolved.reaper?.prepare()
  const hardening = holdToCores(await selectHardening(resolved.hardening), resolved.cpus)
  return createExecutorFrom(resolved, hardening, runtime)
}

/** The same from its parts; tests give it a runtime that misbehaves. */
export function createExecutorFrom(options: ResolvedExecutorOptions, hardening: Hardening, runtime: RuntimeSource): Executor {
  const { reaper } = options
  return createExecutorWith(options, {
    report: () => hardening.report(),
    spawn: (memoryMb) =>
      reaper === undefined
        ? startProcess(sandboxCommand(hardening, runtime, memoryMb))
        : reaper.start((parent) => sandboxCommand(hardening, runtime, memoryMb, parent)),
  })
}

/** Options that mean something for every isolation, or can be turned off. */
type SharedOptions = Omit<ResolvedExecutorOptions, 'hardening' | 'cpus' | 'reaper'>

/** An executor over any isolation: calls, queues, deadlines and the life of a sandbox are the same for all. */
export function createExecutorWith(options: SharedOptions, isolation: Isolation): Executor {
  return new SandboxExecutor(options, isolation)
}

function ignoreSignal(): void {}

class SandboxExecutor implements Executor, CallOwner, FleetOwner {
  readonly #fleet: Fleet
  readonly #isolation: Isolation
  readonly #guardsSigusr1: boolean
  readonly #limiter: Limiter
  /** Tenants that had a call end and may let others in; emptied by one loop, however calls end within it. */
  readonly #admitting = new Set<Tenant>()
  #isAdmitting = false
  #running = 0
  #invocations = 0
  #isClosed = false
  #closing: Promise<void> | undefined
  #onQuiet: (() => void) | undefined

  constructor(options: SharedOptions, isolation: Isolation) {
    this.#isolation = isolation
    this.#guardsSigusr1 = options.guardSigusr1 && process.platform !== 'win32'
    if (this.#guardsSigusr1) process.on('SIGUSR1', ignoreSignal)
    this.#limiter = new Limiter(options)
    this.#fleet = new Fleet({ ...options, spawn: isolation.spawn }, this.#limiter, this)
  }

  invoke(version: ExecutableVersion, invocation: JsonInvocation): Promise<Outcome> {
    const call = new JsonCall(version, invocation, this)
    this.#accept(call, invocation.signal)
    return call.outcome
  }

  fetch(version: ExecutableVersion, invocation: HttpInvocation): HttpExchange {
    const call = new HttpCall(version, invocation, this)
    this.#accept(call, invocation.signal)
    return call
  }

  #accept(call: Call, signal: AbortSignal | undefined): void {
    this.#invocations++
    if (this.#isClosed) return refuse(call, new PlatformError('CLOSED', 'Cannot run the function: the platform is closed'))
    if (signal?.aborted === true) return refuse(call, cancelledError())
    const pool = this.#fleet.pools.of(call.version)
    const { gate } = pool
    pool.isRetired = false
    if (!gate.tenant.enter(call, gate)) return this.#queue(call, gate)
    this.#running++
    this.#run(call, pool)
  }

  /** Gives a call that was let in to a sandbox, or lets it wait for one. */
  #run(call: Call, pool: VersionPool): void {
    if (this.#fleet.tryRun(call, pool)) return
    if (this.#takePlace(call, pool.gate)) this.#fleet.wait(call, pool)
    else this.left(call, pool)
  }

  unstarted(call: Call, pool: VersionPool): void {
    this.#run(call, pool)
  }

  /** Lets a call wait until the limits of its function and its tenant let it in. */
  #queue(call: Call, gate: Gate): void {
    const { limits } = call.version
    if (gate.line.length >= limits.queueLength) return refuse(call, overloaded(call, gate, `${gate.line.length} calls wait already`))
    if (!this.#takePlace(call, gate)) return
    gate.tenant.queue(call, gate)
    call.dueAt = call.acceptedAt + Math.min(call.queueMs, call.timeoutMs)
    this.#fleet.deadlines.add(call)
  }

  /** Takes a place in the waiting room; whoever has to go for it, this call or another, is refused. */
  #takePlace(call: Call, gate: Gate): boolean {
    const { room } = this.#limiter
    const loser = room.enter(call, gate)
    if (loser === undefined) return true
    const error = hostOverloaded(loser, room, `${room.max} calls wait already, as many as may`)
    if (loser === call) refuse(call, error)
    else this.#withdraw(loser, error)
    return loser !== call
  }

  left(call: Call, pool: VersionPool): void {
    const { gate } = pool
    this.#running--
    gate.tenant.leave(call, gate)
    if (gate.tenant.isQueueing) this.#admit(gate.tenant)
    if (pool.sandboxes.size === 0) this.#fleet.pools.forgetIfUnused(pool)
    if (this.#running === 0) this.#onQuiet?.()
  }

  #admit(tenant: Tenant): void {
    this.#admitting.add(tenant)
    // A call that is refused as soon as it is let in comes here again: the loop goes on, and the stack does not grow.
    if (this.#isAdmitting) return
    this.#isAdmitting = true
    try {
      for (const one of this.#admitting) {
        this.#admitting.delete(one)
        for (let next = one.next(); next !== undefined; next = one.next()) this.#letIn(next)
      }
    } finally {
      this.#isAdmitting = false
    }
  }

  #letIn(call: Call): void {
    this.#running++
    this.#fleet.deadlines.delete(call)
    const pool = this.#fleet.pools.of(call.version)
    if (pool.peekFree() === undefined) return this.#fleet.wait(call, pool)
    this.#limiter.room.leave(pool.gate)
    this.#fleet.tryRun(call, pool)
  }

  cancelled(call: Call): void {
    if (call.isSettled) return
    if (call.place === 'running') {
      call.sandbox?.cancel(call)
      return call.fail(cancelledError())
    }
    this.#withdraw(call, cancelledError())
  }

  overdue(call: Call): void {
    const pool = this.#fleet.pools.of(call.version)
    if (call.place === 'waiting' && pool.starts.size > 0) {
      // Boot and load have deadlines of their own.
      call.dueAt = performance.now() + recheckMs
      return this.#fleet.deadlines.add(call)
    }
    const reason = `it waited ${Math.round(performance.now() - call.acceptedAt)} ms`
    if (call.place === 'queued') return this.#withdraw(call, overloaded(call, pool.gate, reason))
    const { room } = this.#limiter
    this.#withdraw(call, this.#fleet.refusal(pool) ?? hostOverloaded(call, room, `all sandboxes are busy; ${reason}`))
  }

  /** Ends a call that does not run yet. */
  #withdraw(call: Call, error: PlatformError): void {
    const pool = this.#fleet.pools.of(call.version)
    const { place } = call
    call.place = 'over'
    this.#fleet.deadlines.delete(call)
    this.#limiter.room.leave(pool.gate)
    if (place === 'queued') pool.gate.line.delete(call)
    else this.#fleet.withdraw(call, pool)
    call.fail(error)
    if (place === 'waiting') this.left(call, pool)
    else this.#fleet.pools.forgetIfUnused(pool)
  }

  async preload(version: ExecutableVersion): Promise<void> {
    if (this.#isClosed) return
    const pool = this.#fleet.pools.of(version)
    pool.isRetired = false
    await this.#fleet.preload(pool)
  }

  retire(version: ExecutableVersion): void {
    this.#fleet.retire(version)
  }

  stats(): ExecutorStats {
    const sandboxes = { total: 0, booting: 0, spare: 0, idle: 0, busy: 0 }
    for (const sandbox of this.#fleet.sandboxes) {
      sandboxes.total++
      if (!sandbox.isBooted) sandboxes.booting++
      else if (sandbox.isBusy) sandboxes.busy++
      else if (sandbox.version === undefined) sandboxes.spare++
      else sandboxes.idle++
    }
    const { coldStarts, killed } = this.#fleet
    const { queued } = this.#limiter
    return {
      sandbox: this.#isolation.report(),
      sandboxes,
      running: this.#running,
      queued,
      invocations: this.#invocations,
      coldStarts,
      killed,
      canStart: this.#fleet.canStart,
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#stopAccepting()
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onQuiet = resolve))
    await this.#fleet.destroy()
  }

  async destroy(): Promise<void> {
    this.#stopAccepting()
    await this.#fleet.destroy()
    this.#onQuiet?.()
  }

  #stopAccepting(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#guardsSigusr1) process.off('SIGUSR1', ignoreSignal)
    for (const call of this.#limiter.drain()) {
      this.#fleet.deadlines.delete(call)
      refuse(call, new PlatformError('CLOSED', 'Cannot run the function: the platform is closing'))
    }
  }
}

function refuse(call: Call, error: PlatformError): void {
  call.place = 'over'
  call.fail(error)
}

/** The refusal of a call that the limits of its function or its tenant did not let in. */
function overloaded(call: Call, gate: Gate, reason: string): PlatformError {
  return gate.hasRoom(call.version.limits) ? tenantOverloaded(call, gate, reason) : functionOverloaded(call, gate, reason)
}

function cancelledError(): PlatformError {
  return new PlatformError('CANCELLED', 'Cannot finish the invocation: the caller cancelled it')
}
