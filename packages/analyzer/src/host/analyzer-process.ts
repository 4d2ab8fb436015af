import { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isRecord, type Reaper } from '@cordon/contracts'
import type { Tinypool } from 'tinypool'
import { watchTime } from './time-limit.ts'

/** Options of one analyzer process. */
export interface AnalyzerProcessOptions {
  /** Cap of the JavaScript heap in MiB. */
  readonly memoryMb: number
  readonly reaper: Reaper | undefined
}

/** How a call of an analyzer process can end without an answer. */
export type NoAnswer = 'timeout' | 'died'

/**
 * How long Node 20 waits before it optimises a function, in bytes of bytecode that it ran: four to five times V8's own figure. Compiling the parser and
 * the checker at once took a third of the time of the first analyses (docs/decisions/0190). Later versions wait longer by themselves and have no such flag.
 */
const patientCompiler = process.versions.node.startsWith('20.') ? ['--interrupt-budget=300000'] : []

/** Longest start of a process in milliseconds: loading the compiler takes about half a second, ten times that on a busy machine. */
const startLimitMs = 60_000

/**
 * One child process that analyses one upload at a time and is replaced when it dies or is killed. tinypool keeps it; one pool
 * of one process each, so that a call is timed from the moment it is running, and not while it waits or the process starts.
 */
export class AnalyzerProcess {
  readonly #options: AnalyzerProcessOptions
  readonly #watched = new Set<number>()
  #pool: Promise<Tinypool> | undefined
  /** Processes that the analyzer process started: esbuild outlives it when it is killed in the middle of its work. */
  #bundlers: readonly number[] = []
  #isClosed = false

  constructor(options: AnalyzerProcessOptions) {
    this.#options = options
  }

  /** Starts the process if there is none, and has it do a small analysis: the first of each kind of work takes the longest. */
  async warm(): Promise<void> {
    await this.#call('warm', null, startLimitMs)
  }

  /** Calls `analyze` in the process. A process that does not answer in time is killed. */
  async analyze(request: unknown, timeLimitMs: number): Promise<{ readonly reply: unknown } | NoAnswer> {
    // One that died while it was idle, of which the host may not know yet, answers this no more, and it is not the fault of the upload.
    if ((await this.#call('load', null, startLimitMs)) === 'died') await this.#call('load', null, startLimitMs)
    return this.#call('analyze', request, timeLimitMs)
  }

  /** Kills the process. Idempotent. */
  async destroy(): Promise<void> {
    this.#isClosed = true
    const pool = await this.#pool
    this.#pool = undefined
    await pool?.destroy()
    this.#killBundlers()
    for (const pid of this.#watched) this.#options.reaper?.unwatch(pid)
    this.#watched.clear()
  }

  async #call(name: 'load' | 'warm' | 'analyze', argument: unknown, timeLimitMs: number): Promise<{ readonly reply: unknown } | NoAnswer> {
    if (this.#isClosed) return 'died'
    this.#pool ??= this.#open()
    const pool = await this.#pool
    const abort = new AbortController()
    let stopWatching: () => void = () => undefined
    try {
      const run: Promise<unknown> = pool.run(argument, { name, signal: abort.signal })
      this.#watch(pool)
      stopWatching = watchTime(pool.threads[0]?.threadId ?? 0, timeLimitMs, () => abort.abort())
      const answer = await run
      this.#noteBundlers(isRecord(answer) ? answer['bundlers'] : undefined, pool)
      return { reply: isRecord(answer) ? answer['reply'] : undefined }
    } catch {
      this.#killBundlers()
      return abort.signal.aborted ? 'timeout' : 'died'
    } finally {
      stopWatching()
      if (!this.#isClosed) this.#watch(pool)
    }
  }

  #noteBundlers(pids: unknown, pool: Tinypool): void {
    const parent = pool.threads[0]?.threadId ?? 0
    const known = Array.isArray(pids)
      ? pids.filter((one): one is number => typeof one === 'number' && Number.isSafeInteger(one) && one > 1 && isChild(one, parent))
      : []
    for (const pid of this.#bundlers) if (!known.includes(pid)) this.#options.reaper?.unwatch(pid)
    for (const pid of known) if (!this.#bundlers.includes(pid)) this.#options.reaper?.watch(pid)
    this.#bundlers = known
  }

  #killBundlers(): void {
    for (const pid of this.#bundlers) {
      this.#options.reaper?.unwatch(pid)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended with its parent, as it should.
      }
    }
    this.#bundlers = []
  }

  async #open(): Promise<Tinypool> {
    const { Tinypool } = await import('tinypool')
    const pool = new Tinypool({
      filename: new URL('../child.js', import.meta.url).href,
      runtime: 'child_process',
      serialization: 'advanced',
      minThreads: 1,
      maxThreads: 1,
      // An upload may come while the process is being warmed.
      concurrentTasksPerWorker: 2,
      // A literal environment: the process gets nothing of the host's.
      env: { NODE_ENV: 'production' },
      execArgv: [`--max-old-space-size=${this.#options.memoryMb}`, '--no-addons', '--no-warnings', ...patientCompiler],
    })
    // A process that dies between two calls is replaced by the next one.
    pool.on('error', () => undefined)
    return pool
  }

  /** Tells the reaper about processes it does not know yet, and keeps their dying words (V8's, of many lines) off the host's stderr. */
  #watch(pool: Tinypool): void {
    for (const worker of pool.threads) {
      const pid = worker.threadId
      if (this.#watched.has(pid)) continue
      this.#watched.add(pid)
      this.#options.reaper?.watch(pid)
      worker.once('exit', () => {
        if (this.#watched.delete(pid)) this.#options.reaper?.unwatch(pid)
      })
      if ('process' in worker && worker.process instanceof ChildProcess) {
        worker.process.stderr?.unpipe(process.stderr).resume()
        worker.process.stdout?.unpipe(process.stdout).resume()
      }
    }
  }
}

/** Whether `pid` is a child of `parent`, where the system can tell: the word of the analyzer process alone kills nobody. */
function isChild(pid: number, parent: number): boolean {
  if (process.platform !== 'linux') return true
  try {
    // The name in parentheses may hold anything; the fields after it are state and parent.
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[1] === String(parent)
  } catch {
    return false
  }
}
