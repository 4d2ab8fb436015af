import type { LogEntry } from '@cordon/contracts'
import { idleExitCode, plainExitCode } from '../frames/protocol.ts'
import type { Call } from './call.ts'
import type { Death, Sandbox } from './sandbox.ts'
import { describeEarlyExit } from './start-failure.ts'
import type { SandboxProcess } from './sandbox-process.ts'

/** What V8, Node and the C++ library print before they end because they get no memory. */
const memoryMarkers = [
  'out of memory',
  'Fatal JavaScript invalid size error',
  'Array buffer allocation failed',
  'Check failed: (result.ptr) != nullptr',
  'std::bad_alloc',
]

/** How processes end that run out of memory, and others. */
const fatalSignals: readonly NodeJS.Signals[] = ['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGSEGV', 'SIGBUS']
/** Share of the memory limit above which such an end is put down to memory; the last look is up to 25 ms old. */
const nearLimit = 0.5

/** What a process printed by itself, and what that and its exit say about why it ended. */
export class LastWords {
  readonly #process: Pick<SandboxProcess, 'printed'>
  readonly #sandbox: Sandbox

  constructor(process: Pick<SandboxProcess, 'printed'>, sandbox: Sandbox) {
    this.#process = process
    this.#sandbox = sandbox
  }

  /** Adds what the process printed to the log of a call that it took with it. */
  attachTo(call: Call): void {
    const message = this.#process.printed.trim()
    if (message === '') return
    const entry: LogEntry = { level: 'error', message, time: Date.now() }
    call.logs.add(entry, message.length)
  }

  /** Why a process ended that the host did not kill. */
  explainExit(exitCode: number | null, signal: NodeJS.Signals | null): Death {
    const { version, peakMb, isBooted } = this.#sandbox
    const code = exitCode === plainExitCode ? 1 : exitCode
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`
    // Whatever its process did before any user code ran is the platform's fault.
    if (!isBooted) {
      const message = `Cannot start a sandbox: ${describeEarlyExit(how, this.#process.printed)}`
      return { code: 'SANDBOX_FAILED', message, details: { stage: 'boot', exitCode: code, signal } }
    }
    const memoryMb = version?.limits.memoryMb ?? this.#sandbox.memoryMb
    if (this.#isForMemory(exitCode, signal, memoryMb)) {
      return {
        code: 'MEMORY_LIMIT',
        message: `Cannot finish the invocation: it used more memory than its ${memoryMb} MiB`,
        details: { memoryMb, peakMemoryMb: Math.round(peakMb), exitCode: code, signal },
      }
    }
    if (code === idleExitCode) {
      const message = 'Cannot finish the invocation: its process ended because of something that an earlier one had left behind'
      return { code: 'CRASHED', message, details: { exitCode: code, signal } }
    }
    return { code: 'CRASHED', message: `Cannot finish the invocation: its process ended by itself (${how})`, details: { exitCode: code, signal } }
  }

  /** Whether a process ended for want of memory, as far as the host can know, see docs/decisions/0074. */
  #isForMemory(code: number | null, signal: NodeJS.Signals | null, memoryMb: number): boolean {
    if (memoryMarkers.some((marker) => this.#process.printed.includes(marker))) return true
    // Native code that is refused memory may exit like this. Functions cannot, see `plainExitCode`, and Node says why it does.
    if (code === 1 && this.#process.printed.trim() === '') return true
    return signal !== null && fatalSignals.includes(signal) && this.#sandbox.peakUsedMb >= memoryMb * nearLimit
  }
}
