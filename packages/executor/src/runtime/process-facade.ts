import { endProcess } from './end-process.ts'
import { exitNow } from './exit.ts'
import { dateNow, defineValue, objectFreeze } from './primordials.ts'

type Environment = Record<string, string>

/** The real process, for the runtime alone. */
export const realProcess = process
const { hrtime, nextTick } = process
const cpuUsage = process.cpuUsage.bind(process)
const memoryUsage = process.memoryUsage.bind(process)

/**
 * Node emits on the real process, by methods of a prototype that user code may change and would see it with: it gets
 * methods of its own.
 */
export function guardRealProcess(): void {
  for (const name of ['emit', 'on', 'once', 'off', 'addListener', 'removeListener', 'listeners', 'listenerCount', 'eventNames'] as const)
    defineValue(realProcess, name, realProcess[name])
}

/** CPU time of this process so far in microseconds, all threads. */
export function cpuMicros(): number {
  const { user, system } = cpuUsage()
  return user + system
}

/** `process` as a function sees it: facts and clocks, no authority. Events can be listened to but never come. */
export function createProcessFacade(env: Environment, write: (level: 'info' | 'error', text: string) => void): Record<string, unknown> {
  const startedAt = dateNow()
  function exit(code?: unknown): never {
    return endProcess(typeof code === 'number' ? code : 0)
  }
  const facade: Record<string, unknown> = {
    title: 'function',
    version: realProcess.version,
    versions: objectFreeze({ ...realProcess.versions }),
    release: objectFreeze({ name: realProcess.release.name }),
    arch: realProcess.arch,
    platform: realProcess.platform,
    pid: 1,
    ppid: 0,
    argv: [],
    execArgv: [],
    execPath: '',
    exitCode: undefined,
    features: objectFreeze({ ...realProcess.features }),
    env,
    stdin: null,
    stdout: standardStream('info', write),
    stderr: standardStream('error', write),
    nextTick,
    hrtime: objectFreeze(Object.assign((previous?: [number, number]) => hrtime(previous), { bigint: () => hrtime.bigint() })),
    uptime: () => (dateNow() - startedAt) / 1000,
    cwd: () => '/',
    cpuUsage: (previous?: NodeJS.CpuUsage) => cpuUsage(previous),
    memoryUsage: () => memoryUsage(),
    emitWarning: (warning: unknown) =>
      write(
        'error',
        `Warning: ${typeof warning === 'object' && warning !== null && 'message' in warning ? String(warning.message) : String(warning)}\n`,
      ),
    exit,
    abort: () => exitNow(134),
  }
  for (const name of ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners', 'prependListener', 'setMaxListeners'])
    facade[name] = () => facade
  facade['emit'] = () => false
  facade['listenerCount'] = () => 0
  facade['listeners'] = () => []
  Object.defineProperty(facade, Symbol.toStringTag, { value: 'process' })
  return facade
}

function standardStream(level: 'info' | 'error', write: (level: 'info' | 'error', text: string) => void): Record<string, unknown> {
  return {
    isTTY: false,
    writable: true,
    write(chunk: unknown, ...rest: unknown[]) {
      write(level, typeof chunk === 'string' ? chunk : String(chunk))
      const done = rest.at(-1)
      if (typeof done === 'function') nextTick(done)
      return true
    },
    on: () => undefined,
    once: () => undefined,
    end: () => undefined,
  }
}
