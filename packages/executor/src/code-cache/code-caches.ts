import type { Bundle, ExecutableVersion } from '@cordon/contracts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { CompileProcess, type CompileOptions } from './compile-process.ts'

/** Characters of code from which on a cache is worth a process; see docs/decisions/0095-code-caches.md. */
export const minCodeLength = 50_000
/** After the first load it takes so long until the cache is made, in milliseconds: the calls that came with it are served by then. */
const delayMs = 100

/** The cache of one bundle for one size of sandbox: V8 refuses one that was made under other heap flags. */
interface Entry {
  bytes: Buffer | undefined
}

/**
 * V8 code caches of bundles that were loaded once, for the loads that follow. They live as long as the bundle object does, in memory: a file
 * could be changed by others, and V8 does not check what it reads from a cache.
 */
export class CodeCaches {
  readonly #options: CompileOptions
  readonly #entries = new WeakMap<Bundle, Map<number, Entry>>()
  #running: CompileProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: CompileOptions) {
    this.#options = options
  }

  /** The cache of a bundle for sandboxes of a size in MiB, if there is one. */
  get(bundle: Bundle, memoryMb: number): Buffer | undefined {
    return this.#entries.get(bundle)?.get(memoryMb)?.bytes
  }

  /** Loads a version into a sandbox, with the cache of its bundle where there is one; rejects with the failure. */
  async load(sandbox: Sandbox, version: ExecutableVersion, bundle: Bundle): Promise<void> {
    await sandbox.load(version, bundle, this.get(bundle, sandbox.memoryMb))
    this.loaded(bundle, sandbox.memoryMb, version.limits.loadTimeoutMs)
  }

  /** A bundle was loaded: in a moment a cache is made for the next time. Only one is made at a time, and a failure is not tried again. */
  loaded(bundle: Bundle, memoryMb: number, timeoutMs: number): void {
    if (this.#isClosed || bundle.code.length < minCodeLength || this.#timer !== undefined || this.#running !== undefined) return
    let sizes = this.#entries.get(bundle)
    if (sizes === undefined) this.#entries.set(bundle, (sizes = new Map<number, Entry>()))
    if (sizes.has(memoryMb)) return
    const entry: Entry = { bytes: undefined }
    sizes.set(memoryMb, entry)
    this.#timer = setTimeout(() => void this.#make(entry, bundle.code, memoryMb, timeoutMs), delayMs).unref()
  }

  async #make(entry: Entry, code: string, memoryMb: number, timeoutMs: number): Promise<void> {
    this.#timer = undefined
    const running = (this.#running = new CompileProcess(this.#options, code, memoryMb, timeoutMs))
    entry.bytes = await running.cache
    await running.gone
    this.#running = undefined
  }

  /** Resolves when the cache that is being made, if one is, is there and its process gone. */
  async idle(): Promise<void> {
    await Promise.all([this.#running?.cache, this.#running?.gone])
  }

  /** Nothing is made any more; resolves when no process is left. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#running?.kill()
    await this.idle()
  }
}
