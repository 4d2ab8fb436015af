import { expect } from 'chai'
import type { Capabilities, ExecutableVersion, Executor, Outcome, SandboxEvent } from '@cordon/contracts'
import { createReaper } from '@cordon/executor'
import { createExecutorFrom } from '../dist/executor.js'
import { readRuntime } from '../dist/hardening/sandbox-command.js'
import { selectHardening } from '../dist/hardening/select-hardening.js'
import { resolveExecutorOptions } from '../dist/options.js'
import { invoke, isAlive, versionOfCode } from './harness.ts'
import { isReported, type State } from './model-transitions.ts'

const maxSandboxes = 4
/** Sandboxes of a version that may end one after the other before calls of it are refused for a while. */
const crashPatience = 3
/** One for all worlds. */
const reaper = createReaper()
/** Lets functions break the protocol: their own code never gets at the pipe. */
const violation = `globalThis.violate = ((fs) => () => fs.writeSync(3, Buffer.alloc(64, 255)))(require('node:fs'));\n`
const code = `
  const sandbox = Math.random()
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  const acts = {
    ok: () => 0,
    pause: () => wait(20),
    throw: () => { throw new Error('thrown') },
    crash: () => process.exit(7),
    loop: () => { for (;;); },
    never: () => new Promise(() => undefined),
    memory: async () => { for (const kept = [];;) { kept.push(Buffer.alloc(8_388_608, 1)); await wait(2) } },
    violate: async () => { violate(); await wait(10_000) },
  }
  handOver({ default: async ({ act, name }, ctx) => { await acts[act](); return { sandbox, name, own: ctx.invocation.function } } })`

export type Act = 'ok' | 'pause' | 'throw' | 'crash' | 'loop' | 'never' | 'memory' | 'violate'

/** What a call may end as when nobody disturbs it. */
const ends: Readonly<Record<Act, readonly string[]>> = {
  ok: ['success'],
  pause: ['success'],
  throw: ['FUNCTION_ERROR'],
  crash: ['CRASHED'],
  loop: ['TIMEOUT'],
  never: ['TIMEOUT'],
  // A refused allocation is an exception of the function; what grows silently is killed.
  memory: ['MEMORY_LIMIT', 'FUNCTION_ERROR'],
  violate: ['PROTOCOL_VIOLATION'],
}

interface Pending {
  readonly act: Act
  readonly version: ExecutableVersion
  /** What else it may end as, because of what happened since it began. */
  readonly also: Set<string>
  ended: number
  outcome: Outcome | undefined
}

/** A real executor beside a model of what it may do. */
export class World {
  readonly executor: Executor
  /** State of every process, by number, as reported. */
  readonly states = new Map<number, State>()
  readonly #functions = new Map<number, string>()
  readonly #homes = new Map<number, string>()
  readonly #problems: string[] = []
  #calls: { pending: Pending; done: Promise<unknown> }[] = []
  #stopped = new Set<number>()
  #isDisturbed = false
  /** Calls of a version that take a sandbox with them: after a few in a row, starts are spaced out and calls refused meanwhile. */
  readonly #fatalCalls = new Map<ExecutableVersion, number>()
  #wake: () => void = () => undefined
  versions: ExecutableVersion[] = []

  static async create(level: 'best-effort' | 'basic'): Promise<World> {
    const hardening = await selectHardening(level)
    return new World((hear) =>
      createExecutorFrom(
        resolveExecutorOptions({ spares: 1, spareMemoryMb: 64, maxSandboxes, onSandbox: hear, reaper }),
        hardening,
        violation + readRuntime(),
      ),
    )
  }

  private constructor(create: (hear: (event: SandboxEvent) => void) => Executor) {
    this.executor = create((event) => this.#hear(event))
    this.renewVersions()
  }

  /** Versions without a history. In the third, two calls share a sandbox; in the last, every call has one of its own. */
  renewVersions(): void {
    const limits = { memoryMb: 64, timeoutMs: 2500, queueMs: 25_000, loadTimeoutMs: 400 }
    const kinds = [{}, {}, { instanceConcurrency: 2 }, { reuse: false }]
    this.versions = kinds.map((kind) => versionOfCode(code, { ...limits, concurrency: 3, ...kind }))
    this.#isDisturbed = false
    this.#fatalCalls.clear()
  }

  #hear({ pid, state, function: name }: SandboxEvent): void {
    const before = this.states.get(pid)
    if (before === undefined || before === 'dead' ? state !== 'booting' : !isReported(before, state))
      this.#problems.push(`${pid}: ${before} -> ${state}`)
    if (state === 'booting') this.#functions.delete(pid)
    const owner = this.#functions.get(pid)
    if (owner !== undefined && name !== owner) this.#problems.push(`${pid} belonged to ${owner}, then to ${name}`)
    if (name !== undefined) this.#functions.set(pid, name)
    this.states.set(pid, state)
    if (state === 'dead') this.#stopped.delete(pid)
    this.#wake()
  }

  living(): number[] {
    return [...this.states].filter(([, state]) => state !== 'dead').map(([pid]) => pid)
  }

  call(version: ExecutableVersion, act: Act, signal?: AbortSignal): void {
    const pending: Pending = { act, version, also: new Set(), ended: 0, outcome: undefined }
    if (signal !== undefined) pending.also.add('CANCELLED')
    const capabilities: Capabilities = { call: async () => null, end: async () => void pending.ended++ }
    const timeoutMs = act === 'loop' || act === 'never' ? 150 : undefined
    const options = { capabilities, ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) }
    const done = invoke(this.executor, version, { act, name: version.function }, options).then((outcome) => (pending.outcome = outcome))
    this.#calls.push({ pending, done })
    if (this.#isDisturbed) this.#allow(pending)
    if (act !== 'ok' && act !== 'pause' && act !== 'throw') this.#fatalCalls.set(version, (this.#fatalCalls.get(version) ?? 0) + 1)
  }

  #allow(pending: Pending): void {
    for (const code of ['CRASHED', 'TIMEOUT', 'SANDBOX_FAILED', 'OVERLOADED']) pending.also.add(code)
  }

  /** Something from outside happens to a process. What runs or comes until the next quiet moment may notice. */
  disturb(pid: number, signal: 'SIGKILL' | 'SIGSTOP'): void {
    this.#isDisturbed = true
    for (const { pending } of this.#calls) this.#allow(pending)
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    this.#stopped.add(pid)
  }

  /** All calls may end because the executor does. */
  closing(): void {
    for (const { pending } of this.#calls) pending.also.add('CLOSED')
  }

  /** What holds at any moment. */
  check(): void {
    const { total, booting, spare, idle, busy } = this.executor.stats().sandboxes
    expect(booting + spare + idle + busy).to.equal(total)
    // One that was asked for is counted before it exists.
    const living = this.living().length
    expect(total, 'sandboxes counted').to.be.within(living, living + booting)
    expect(this.#problems).to.deep.equal([])
  }

  async allSettled(): Promise<void> {
    await Promise.all(this.#calls.map(({ done }) => done))
    for (const { pending } of this.#calls) this.#checkEnd(pending)
    this.#calls = []
  }

  #checkEnd({ act, version, also, ended, outcome }: Pending): void {
    expect(ended, 'ends of the capabilities').to.equal(1)
    if (outcome === undefined) throw new Error(`the call of ${act} was lost`)
    const end = outcome.kind === 'success' ? 'success' : outcome.error.code
    const shared = version.limits.instanceConcurrency > 1
    // Two in one sandbox: what ends it ends both.
    const neighbours = shared
      ? ['CRASHED', ...this.#calls.filter(({ pending }) => pending.version === version).flatMap(({ pending }) => ends[pending.act])]
      : []
    const refused = (this.#fatalCalls.get(version) ?? 0) >= crashPatience ? ['OVERLOADED'] : []
    expect([...ends[act], ...also, ...neighbours, ...refused], `end of ${act}`).to.include(end)
    if (outcome.kind === 'success') this.#checkHome(version, JSON.parse(outcome.outputJson ?? '') as { sandbox: number; name: string; own: string })
  }

  #checkHome(version: ExecutableVersion, { sandbox, name, own }: { sandbox: number; name: string; own: string }): void {
    expect(own, 'function that answered').to.equal(name)
    expect(this.#homes.get(sandbox) ?? name, 'function of a sandbox').to.equal(name)
    if (!version.limits.reuse) expect(this.#homes.has(sandbox), 'second call in one sandbox').to.equal(false)
    this.#homes.set(sandbox, name)
  }

  /** Waits until nothing runs, starts or dies, then compares what is counted with what exists. */
  async quiet(): Promise<void> {
    await this.allSettled()
    // A cancelled call is over for its caller before its sandbox has stopped.
    while (this.executor.stats().running > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(this.executor.stats().queued).to.equal(0)
    for (const pid of this.#stopped) process.kill(pid, 'SIGKILL')
    const isOnItsWay = (state: State) => state === 'booting' || state === 'loading'
    while (this.#stopped.size > 0 || [...this.states.values()].some(isOnItsWay)) await new Promise<void>((resolve) => (this.#wake = resolve))
    await new Promise((resolve) => setImmediate(resolve))
    this.check()
    expect(this.living().length, 'sandboxes').to.be.at.most(maxSandboxes)
    // What is counted exists, or is reported dead in a moment.
    for (const pid of this.living()) {
      if (await isAlive(pid)) continue
      while (this.states.get(pid) !== 'dead') await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
