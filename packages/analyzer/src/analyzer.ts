import { setImmediate } from 'node:timers/promises'
import { PlatformError, resolveFunctionConfig, type AnalyzeOptions, type Analysis, type Analyzer, type Reaper, type Upload } from '@cordon/contracts'
import { integer, optional, resolveOptions, type OptionTable } from '@cordon/contracts'
import { AnalyzerProcess } from './host/analyzer-process.ts'
import { AnalysisCache, analysisKey } from './host/analysis-cache.ts'
import { isRepeatable, readReply } from './host/read-reply.ts'
import { checkUpload, tooLarge } from './host/upload-limits.ts'

/** Options of `createAnalyzer`. */
export interface AnalyzerSetup {
  /** Processes, and so analyses at once. @default 2 */
  readonly processes?: number | undefined
  /** Longest analysis in milliseconds: of CPU time on Linux, where three times as many may pass on a busy machine; on the clock elsewhere. @default 10000 */
  readonly timeLimitMs?: number | undefined
  /** Cap of the JavaScript heap of a process in MiB. @default 512 */
  readonly memoryMb?: number | undefined
  /** Kills the processes when the host is killed while they are busy; idle ones end by themselves. */
  readonly reaper?: Reaper | undefined
}

interface ResolvedAnalyzerSetup {
  readonly processes: number
  readonly timeLimitMs: number
  readonly memoryMb: number
  readonly reaper: Reaper | undefined
}

const setupTable: OptionTable<ResolvedAnalyzerSetup> = {
  processes: integer(2, { min: 1, max: 64 }),
  timeLimitMs: integer(10_000, { min: 1, max: 600_000 }),
  // The parser and the bundler need about 100 MiB before they have read anything.
  memoryMb: integer(512, { min: 128, max: 16_384 }),
  reaper: optional('a Reaper', isReaper),
}

/**
 * Creates the analyzer. Nothing is loaded or started before the first analysis or `warm`.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function createAnalyzer(options: AnalyzerSetup = {}): Analyzer {
  return new ProcessAnalyzer(resolveOptions(setupTable, options, 'analyzer'))
}

class ProcessAnalyzer implements Analyzer {
  readonly #setup: ResolvedAnalyzerSetup
  readonly #idle: AnalyzerProcess[]
  readonly #all: readonly AnalyzerProcess[]
  readonly #waiting: ((process: AnalyzerProcess | undefined) => void)[] = []
  readonly #cache = new AnalysisCache()
  readonly #running = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(setup: ResolvedAnalyzerSetup) {
    this.#setup = setup
    this.#all = Array.from({ length: setup.processes }, () => new AnalyzerProcess(setup))
    this.#idle = [...this.#all]
  }

  async analyze(upload: Upload, options: AnalyzeOptions): Promise<Analysis> {
    if (this.#isClosed) throw closed()
    checkUpload(upload)
    const config = definedKeys(resolveFunctionConfig(upload.config), upload.config)
    const key = analysisKey(upload, config, options)
    const known = this.#cache.get(key)
    if (known !== undefined) return known
    const run = this.#run({ files: upload.files, entry: upload.entry, config, options }, key)
    this.#running.add(run)
    try {
      return await run
    } finally {
      this.#running.delete(run)
    }
  }

  async warm(): Promise<void> {
    if (this.#isClosed) throw closed()
    // The last idle process is the one that the next analysis takes. While one is under way, starting another process would only hold it up.
    if (this.#idle.length === this.#all.length) await this.#idle.at(-1)?.warm()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#running)
    await this.destroy()
  }

  async destroy(): Promise<void> {
    this.#isClosed = true
    for (const give of this.#waiting.splice(0)) give(undefined)
    await Promise.all(this.#all.map((process) => process.destroy()))
  }

  async #run(request: unknown, key: string | undefined): Promise<Analysis> {
    const process = this.#idle.pop() ?? (await new Promise<AnalyzerProcess | undefined>((resolve) => this.#waiting.push(resolve)))
    if (process === undefined) throw closed()
    try {
      const answer = await process.analyze(request, this.#setup.timeLimitMs)
      if (answer === 'timeout') throw this.#isClosed ? closed() : tooLarge(`it takes longer than ${this.#setup.timeLimitMs} ms`)
      if (answer === 'died') throw this.#isClosed ? closed() : tooLarge(`it needs more memory than ${this.#setup.memoryMb} MiB`)
      // The turn that received a large answer has read it; hashing its bundle is for the next one, and so is what the caller does with it.
      await setImmediate()
      const analysis = readReply(answer.reply)
      if (isRepeatable(answer.reply)) this.#cache.set(key, analysis)
      await setImmediate()
      return analysis
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#idle.push(process)
      else next(process)
    }
  }
}

/** The checked values of the keys that the caller gave. */
function definedKeys(resolved: object, given: object | undefined): Record<string, unknown> {
  const keys = new Set(Object.entries(given ?? {}).flatMap(([key, value]) => (value === undefined ? [] : [key])))
  return Object.fromEntries(Object.entries(resolved).filter(([key]) => keys.has(key)))
}

function closed(): PlatformError {
  return new PlatformError('CLOSED', 'Cannot analyse the upload: the analyzer is closed')
}

function isReaper(value: unknown): value is Reaper {
  return (
    typeof value === 'object' &&
    value !== null &&
    'watch' in value &&
    typeof value.watch === 'function' &&
    'unwatch' in value &&
    typeof value.unwatch === 'function'
  )
}
