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
import { Fleet, type FleetOwner } from './fleet/fleet.ts'
import type { VersionPool } from './fleet/version-pool.ts'
import { holdToCores } from './hardening/cores.ts'
import type { Hardening } from './hardening/hardening.ts'
import { readRuntime, sandboxCommand, type RuntimeSource } from './hardening/sandbox-command.ts'
import { selectHardening } from './hardening/select-hardening.ts'
import { spawnProcess } from './hardening/spawn-process.ts'
import { resolveExecutorOptions, type ExecutorOptions, type ResolvedExecutorOptions } from './options.ts'
import type { Call, CallOwner } from './sandbox/call.ts'
import { HttpCall } from './sandbox/http-call.ts'
import { JsonCall } from './sandbox/json-call.ts'
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
  const hardening = holdToCores(await selectHardening(resolved.hardening), resolved.cpus)
  return createExecutorFrom(resolved, hardening, runtime)
}

/** The same from its parts; tests give it a runtime that misbehaves. */
export function createExecutorFrom(options: ResolvedExecutorOptions, hardening: Hardening, runtime: RuntimeSource): Executor {
  return createExecutorWith(options, {
    report: () => hardening.report(),
    spawn: (memoryMb) => spawnProcess(sandboxCommand(hardening, runtime, memoryMb)),
  })
}

/** Options that mean something for every isolation, or can be turned off. */
type SharedOptions = Omit<ResolvedExecutorOptions, 'hardening' | 'cpus'>

/** An executor over any isolation: calls, queues, deadlines and the life of a sandbox are the same for all. */
export function createExecutorWith(options: SharedOptions, isolation: Isolation): Executor {
  return new SandboxExecutor(options, isolation)
}

function ignoreSignal(): void {}

class SandboxExecutor implements Executor, CallOwner, FleetOwner {
  readonly #fleet: Fleet
  readonly #isolation: Isolation
  readonly #guardsSigusr1: boolean
  #running = 0
  #invocations = 0
  #isClosed = false
  #closing: Promise<void> | undefined
  #onQuiet: (() => void) | undefined

  constructor(options: SharedOptions, isolation: Isolation) {
    this.#isolation = isolation
    this.#guardsSigusr1 = options.guardSigusr1 && process.platform !== 'win32'
    if (this.#guardsSigusr1) process.on('SIGUSR1', ignoreSignal)
    this.#fleet = new Fleet({ ...options, spawn: isolation.spawn }, this)
    this.#fleet.fillSpares()
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
    const pool = this.#fleet.poolOf(call.version)
    pool.isRetired = false
    this.#running++
    if (pool.gate.enter(call.version.limits)) return this.#fleet.place(call, pool)
    this.#running--
    const full = pool.gate.wait(call)
    if (full !== undefined) return refuse(call, full)
    call.dueAt = call.acceptedAt + Math.min(call.version.limits.queueMs, call.timeoutMs)
    this.#fleet.deadlines.add(call)
  }

  left(call: Call, pool: VersionPool): void {
    this.#running--
    const next = pool.gate.leave(call)
    if (next !== undefined) {
      this.#fleet.deadlines.delete(next)
      this.#running++
      // The same function, maybe another version.
      this.#fleet.place(next, this.#fleet.poolOf(next.version))
    }
    if (this.#running === 0) this.#onQuiet?.()
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
    const pool = this.#fleet.poolOf(call.version)
    if (call.place === 'waiting' && pool.starting > 0) {
      // Boot and load have deadlines of their own.
      call.dueAt = performance.now() + recheckMs
      return this.#fleet.deadlines.add(call)
    }
    const reason = `it waited ${Math.round(performance.now() - call.acceptedAt)} ms`
    this.#withdraw(call, call.place === 'waiting' ? this.#fleet.overloaded(call, reason) : pool.gate.overloaded(call, reason))
  }

  /** Ends a call that does not run yet. */
  #withdraw(call: Call, error: PlatformError): void {
    const pool = this.#fleet.poolOf(call.version)
    const { place } = call
    call.place = 'over'
    this.#fleet.forget(call, pool)
    if (place === 'queued') pool.gate.forget(call)
    call.fail(error)
    if (place === 'waiting') this.left(call, pool)
  }

  async preload(version: ExecutableVersion): Promise<void> {
    if (this.#isClosed) return
    const pool = this.#fleet.poolOf(version)
    pool.isRetired = false
    if (pool.sandboxes.size === 0 && pool.starting === 0) await this.#fleet.start(pool)
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
    let queued = 0
    for (const gate of this.#fleet.gates.values()) queued += gate.queued
    const { coldStarts, killed } = this.#fleet
    return { sandbox: this.#isolation.report(), sandboxes, running: this.#running, queued, invocations: this.#invocations, coldStarts, killed }
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
    for (const gate of this.#fleet.gates.values()) {
      for (const call of gate.drain()) {
        if (call.place !== 'queued') continue
        this.#fleet.deadlines.delete(call)
        refuse(call, new PlatformError('CLOSED', 'Cannot run the function: the platform is closing'))
      }
    }
  }
}

function refuse(call: Call, error: PlatformError): void {
  call.place = 'over'
  call.fail(error)
}

function cancelledError(): PlatformError {
  return new PlatformError('CANCELLED', 'Cannot finish the invocation: the caller cancelled it')
}
