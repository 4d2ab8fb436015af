import type { Duplex } from 'node:stream'
import { PlatformError, type Bundle, type ErrorCode, type ExecutableVersion } from '@cordon/contracts'
import { FrameDecoder, type FrameReceiver } from '../frames/decoder.ts'
import { encodeBytesFrame, uint32 } from '../frames/encoder.ts'
import { readPaced } from '../frames/read-paced.ts'
import { idleExitCode, toHost, toSandbox, type LoadHead } from '../frames/protocol.ts'
import type { Call } from './call.ts'
import type { Deadline, Deadlines } from './deadlines.ts'
import { loadEnvironment } from './environment.ts'
import { parseFailure } from './failure.ts'
import { OutputScan } from './output-scan.ts'
import { receiveFrame, receivePart, refuseFrame } from './receive-frame.ts'
import { describeSpawnError } from './start-failure.ts'
import type { SandboxProcess } from './sandbox-process.ts'
import { Outbox } from './outbox.ts'
import { LastWords } from './last-words.ts'
import { lookAtCpu } from './cpu-time.ts'
import { maxPrintedBytes } from './printed-output.ts'
import { ProcessStats } from './process-stats.ts'
import { describeFailure } from './stack-map.ts'

/** What a sandbox tells its fleet. */
export interface SandboxOwner {
  readonly deadlines: Deadlines
  /** Its process exists. */
  spawned(sandbox: Sandbox): void
  /** It will be killed: nothing may be given to it any more. */
  dying(sandbox: Sandbox): void
  /** A call is over and its place free. */
  released(sandbox: Sandbox, call: Call): void
  /** The process ended before a call that was sent to it could begin: the call may have another sandbox. */
  unstarted(sandbox: Sandbox, call: Call): void
  /** The process is gone; its calls have failed, or were given back. */
  died(sandbox: Sandbox, death: Death): void
}

/** Why a sandbox died, as the host saw it. */
export interface Death {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

const noCache = new Uint8Array()
/** After a cancelled call was told so, it has this long to stop by itself before its sandbox is killed. */
const cancelGraceMs = 100
/** The pipes of a dead process are waited for this long; something that inherited them must not hold the outcome up. */
const closeGraceMs = 1000

/** One process: boot, load one version, run its calls, die. Never used again for another version or tenant. */
export class Sandbox implements FrameReceiver {
  readonly memoryMb: number
  readonly calls = new Map<number, Call>()
  readonly lastWords: LastWords
  readonly outputScan = new OutputScan()
  readonly #process: SandboxProcess
  readonly #owner: SandboxOwner
  readonly #outbox = new Outbox()
  readonly #decoder = new FrameDecoder(this)
  readonly #exited: Promise<void>
  version: ExecutableVersion | undefined
  bundle: Bundle | undefined
  /** Of a process that exists. */
  stats: ProcessStats | undefined
  /** 0 for a thread, and as long as there is no process. */
  pid = 0
  /** Whether there is, or was, something that it runs in. */
  isSpawned = false
  kind: 'json' | 'http' | undefined
  death: Death | undefined
  isDead = false
  /** Calls served, running ones included. */
  served = 0
  bootMs = 0
  loadMs = 0
  /** Largest resident memory seen, in MiB. */
  peakMb = 0
  /** Largest memory above the baseline that was seen, resident or only allocated, in MiB. */
  peakUsedMb = 0
  /** Private memory before any user code was loaded, in MiB. */
  baselineMb = 0
  /** What then counted against RLIMIT_DATA, in MiB. */
  baselineDataMb = 0
  idleSince = 0
  /** When its version decided to start it, on the clock of `performance.now()`. */
  startedAt = 0
  /** Whether a call ended in it without ending it. */
  hasAnswered = false
  /** CPU time as the runtime last reported it, in microseconds. */
  cpuMicros = 0
  /** CPU time in milliseconds as /proc showed it when it became idle; negative when not looked at yet. */
  idleCpuMs = -1
  /** When `idleCpuMs` was read. */
  idleSeenAt = 0
  #lastCallId = 0
  #step: { resolve: () => void; reject: (error: PlatformError) => void; deadline: Deadline; name: 'boot' | 'load' } | undefined

  constructor(process: SandboxProcess, memoryMb: number, owner: SandboxOwner) {
    this.#process = process
    this.memoryMb = memoryMb
    this.#owner = owner
    this.lastWords = new LastWords(process, this)
    process.events.once('start', (channel, pid) => this.#spawned(channel, pid))
    this.#exited = new Promise((resolve) => this.#watchExit(resolve))
  }

  #spawned(channel: Duplex, pid: number | undefined): void {
    // Its end was not waited for.
    if (this.isDead) return void channel.destroy()
    this.isSpawned = true
    this.#channel = channel
    this.#outbox.open(channel)
    readPaced(channel, (chunk) => this.#decoder.push(chunk))
    // A write to a process that just died; the exit says the rest.
    channel.on('error', () => undefined)
    channel.on('close', () => this.#process.kill())
    if (pid !== undefined) {
      this.pid = pid
      this.stats = new ProcessStats(pid)
    }
    this.#owner.spawned(this)
  }

  /** Whether the runtime is up. */
  isBooted = false

  /** Whether it loads or runs something, or is about to. */
  get isBusy(): boolean {
    return this.calls.size > 0 || (this.version !== undefined && this.kind === undefined)
  }

  /** Resolves when the runtime is up. */
  boot(timeoutMs: number): Promise<void> {
    return this.#runStep('boot', timeoutMs)
  }

  /** Lets a spare get ready for an HTTP function. */
  warmUp(): void {
    this.send(encodeBytesFrame(toSandbox.warmUp, 0))
  }

  /** Loads a version, with a code cache where there is one; rejects with the failure. */
  async load(version: ExecutableVersion, bundle: Bundle, cache: Uint8Array = noCache): Promise<void> {
    const startedAt = performance.now()
    const { limits } = version
    this.version = version
    this.bundle = bundle
    const head: LoadHead = {
      function: version.function,
      version: version.version,
      tenant: version.tenant,
      env: loadEnvironment(version),
      instanceConcurrency: limits.instanceConcurrency,
      outputBytes: limits.outputBytes,
      logBytes: limits.logBytes,
      cacheBytes: cache.length,
    }
    const headBytes = Buffer.from(JSON.stringify(head))
    this.send(encodeBytesFrame(toSandbox.load, 0, uint32(headBytes.length), headBytes, cache, Buffer.from(bundle.code)))
    await this.#runStep('load', limits.loadTimeoutMs)
    this.loadMs = performance.now() - startedAt
  }

  #runStep(name: 'boot' | 'load', timeoutMs: number): Promise<void> {
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      if (this.death !== undefined) return reject(this.deathError())
      const deadline = { dueAt: startedAt + timeoutMs, expire: () => this.#stepTimedOut(name, timeoutMs) }
      this.#owner.deadlines.add(deadline)
      this.#step = { resolve, reject, deadline, name }
    })
  }

  #stepTimedOut(name: 'boot' | 'load', timeoutMs: number): void {
    if (name === 'boot') this.kill('SANDBOX_FAILED', `Cannot start a sandbox: it was not ready after ${timeoutMs} ms`, { stage: 'boot' })
    else this.kill('TIMEOUT', `Cannot load the function: it did not finish within ${timeoutMs} ms`, { stage: 'load', timeoutMs })
  }

  /** Ends the running step. */
  stepDone(name: 'boot' | 'load', error?: PlatformError): boolean {
    const step = this.#step
    if (step?.name !== name) return false
    this.#step = undefined
    this.#owner.deadlines.delete(step.deadline)
    if (error === undefined) step.resolve()
    else step.reject(error)
    return true
  }

  /** Starts a call. */
  dispatch(call: Call): void {
    call.id = this.#lastCallId = (this.#lastCallId + 1) >>> 0
    call.sandbox = this
    call.isCold = this.served++ === 0
    if (call.isCold) {
      call.bootMs = this.bootMs
      call.loadMs = this.loadMs
    }
    this.calls.set(call.id, call)
    call.dispatchedAt = performance.now()
    call.dueAt = call.dispatchedAt + call.timeoutMs
    this.#owner.deadlines.add(call)
    const deadline = Date.now() + call.timeoutMs
    call.capabilities.onDispatch?.(deadline)
    call.start(this, deadline)
  }

  /** `onTaken` is called when the sandbox has read it, more or less: when the kernel has it, or when it never will. */
  send(frame: Buffer, onTaken?: () => void): void {
    this.#outbox.send(frame, onTaken)
  }

  /** Sends the frame that starts a call. The only one leaves at once; beside others it may wait for more of this turn. */
  sendCall(frame: Buffer): void {
    if (this.calls.size > 1) this.#outbox.collect(frame)
    else this.#outbox.send(frame)
  }

  /** The call is over on the sandbox side. */
  release(call: Call): void {
    this.calls.delete(call.id)
    this.#owner.deadlines.delete(call)
    this.#owner.released(this, call)
  }

  /** The deadline of a running call has passed. */
  timeOut(call: Call): void {
    if (call.isSettled) return this.kill('CANCELLED', 'Cannot go on: the cancelled call did not stop', {}, call)
    const { timeoutMs } = call
    // The others in the same sandbox go with it; only this one is to blame.
    this.kill('TIMEOUT', `Cannot finish the invocation: it ran longer than ${timeoutMs} ms`, { timeoutMs, stage: 'run' }, call)
  }

  /** The caller gave up: the function is told, and killed when it does not stop. */
  cancel(call: Call): void {
    if (!this.calls.has(call.id) || this.death !== undefined) return
    this.send(encodeBytesFrame(toSandbox.cancel, call.id))
    this.#owner.deadlines.delete(call)
    call.dueAt = Math.min(call.dueAt, performance.now() + cancelGraceMs)
    this.#owner.deadlines.add(call)
  }

  /** Kills the process; the first reason is the one that counts. `culprit`: the call that the reason is about, when others run beside it. */
  kill(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>>, culprit?: Call): void {
    if (this.death === undefined) {
      this.death = { code, message, details }
      if (culprit !== undefined && this.calls.size > 1) this.#culprit = culprit
      for (const call of this.calls.values()) lookAtCpu(this, call)
      this.#owner.dying(this)
    }
    this.#process.kill()
  }

  #culprit: Call | undefined
  #channel: Duplex | undefined

  refuse(type: number, id: number, length: number): string | undefined {
    return refuseFrame(this, type, id, length)
  }

  violation(reason: string): void {
    if (!this.isBooted) return this.kill('SANDBOX_FAILED', `Cannot start a sandbox: it sent ${reason}`, { stage: 'boot' })
    this.kill('PROTOCOL_VIOLATION', `Cannot talk to the sandbox: it sent ${reason}`, {})
  }

  part(type: number, id: number, payload: Buffer): void {
    if (this.death === undefined) receivePart(this, type, id, payload)
  }

  frame(type: number, id: number, payload: Buffer): void {
    // What was logged before a kill still counts, nothing else does.
    if (this.death !== undefined && type !== toHost.log) return
    if (type === toHost.ready) {
      if (this.#step?.name !== 'boot') return this.violation('a second greeting')
      const memory = this.stats?.memory()
      this.baselineMb = memory?.privateMb ?? 0
      this.baselineDataMb = memory?.dataMb ?? 0
      this.isBooted = true
      this.stepDone('boot')
    } else if (type === toHost.loaded) {
      this.#loaded(payload)
    } else if (type === toHost.loadFailed) {
      this.#loadFailed(payload)
    } else {
      receiveFrame(this, type, id, payload)
    }
  }

  #loaded(payload: Buffer): void {
    const kind = payload.toString('latin1', 4)
    if (payload.length < 4 || (kind !== 'json' && kind !== 'http')) return this.violation('an unknown kind of function')
    this.kind = kind
    this.cpuMicros = payload.readUInt32LE(0)
    if (!this.stepDone('load')) this.violation('a second load')
  }

  #loadFailed(payload: Buffer): void {
    const failure = parseFailure(payload.toString())
    if (failure === undefined || this.kind !== undefined || this.version === undefined) return this.violation('a load failure that is not one')
    const error = describeFailure('LOAD_FAILED', `Cannot load the function: ${failure.error.message}`, failure.error, this.bundle)
    this.stepDone('load', error)
    this.kill('LOAD_FAILED', error.message, error.details)
  }

  #watchExit(resolve: () => void): void {
    const { events } = this.#process
    let timer: NodeJS.Timeout | undefined
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.isDead) return
      clearTimeout(timer)
      this.#channel?.destroy()
      this.#dead(code, signal)
      resolve()
    }
    events.once('fail', (error) => {
      this.death ??= this.#failure(error)
      finish(null, null)
    })
    events.once('flood', () => {
      if (this.death === undefined) this.violation(`more than ${maxPrintedBytes} bytes on its standard output and error`)
    })
    // By way of an immediate: after a standstill of the host what the pipes hold is read first.
    events.once('exit', (code, signal) => (timer = setTimeout(() => setImmediate(finish, code, signal), closeGraceMs)))
    events.once('close', finish)
  }

  #failure(error: Error): Death {
    const stage = !this.isBooted ? 'boot' : this.kind === undefined ? 'load' : 'run'
    const act = { boot: 'start a sandbox', load: 'go on in the sandbox', run: 'finish the invocation' }[stage]
    // A function that had begun may have done what it was to do: such a call must not look as if it could be made again.
    return { code: stage === 'run' ? 'CRASHED' : 'SANDBOX_FAILED', message: `Cannot ${act}: ${describeSpawnError(error)}`, details: { stage } }
  }

  #dead(code: number | null, signal: NodeJS.Signals | null): void {
    this.isDead = true
    this.#decoder.stop()
    // Ended by what an earlier call left behind: those that were on their way to it have not begun.
    const isAftermath = this.death === undefined && code === idleExitCode && this.served > this.calls.size
    const death = (this.death ??= this.lastWords.explainExit(code, signal))
    this.stats?.close()
    if (this.#step !== undefined) this.stepDone(this.#step.name, this.deathError())
    const calls = [...this.calls.values()]
    this.calls.clear()
    for (const call of calls) {
      this.#owner.deadlines.delete(call)
      if (isAftermath && mayBeginAgain(call)) this.#owner.unstarted(this, call)
      else this.#fail(call, death)
    }
    this.#owner.died(this, death)
  }

  #fail(call: Call, death: Death): void {
    this.lastWords.attachTo(call)
    if (this.#culprit === undefined || this.#culprit === call) call.fail(this.deathError())
    else
      call.fail(
        new PlatformError('CRASHED', 'Cannot finish the invocation: its sandbox was killed because of another invocation in it', {
          details: { reason: death.code },
        }),
      )
    this.#owner.released(this, call)
  }

  /** The reason of death as the error of a call. */
  deathError(): PlatformError {
    const { code, message, details } = this.death ?? { code: 'CRASHED', message: 'Cannot finish the invocation: its process ended', details: {} }
    return new PlatformError(code, message, { details })
  }

  /** Resolves when the process is gone. */
  gone(): Promise<void> {
    return this.#exited
  }
}

/** At most once: nothing was seen of it, and it was not given back before, which only a sandbox that lies does twice. Its caller still waits. */
function mayBeginAgain(call: Call): boolean {
  return call.isRepeatable && !call.hasBegun && !call.isSecondTry && !call.isSettled
}
