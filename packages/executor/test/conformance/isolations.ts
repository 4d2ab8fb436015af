import type { Executor } from '@cordon/contracts'
import { createExecutor, createReaper, createThreadExecutor, type ThreadExecutorOptions } from '@cordon/executor'

/** What threads cannot do, and why. Everything else of the suite holds for them as it does for processes. */
export const threadsCannot = {
  'tell peak memory': 'the memory of one thread cannot be read from outside, and the resident memory is that of the host',
  'count memory outside the heap': 'resourceLimits counts the heap of V8, not buffers and WebAssembly, and one huge allocation aborts the host',
  'survive a full heap': 'the limit of the heap mostly ends the thread, and sometimes, on every Node line from 22 on, aborts the host instead',
  'measure a killed call': 'the CPU time of a thread is told by its runtime, with the result',
  'stop work after the result': 'the CPU time of one thread cannot be read from outside',
} as const

/** One way to keep functions apart from the host, as the suite sees it. */
export interface IsolationUnderTest {
  readonly name: string
  readonly create: (options?: ThreadExecutorOptions) => Promise<Executor>
  readonly can: (what: keyof typeof threadsCannot) => boolean
}

/** One for all: starting it takes as long as a sandbox. At the lower level the host starts the processes itself. */
const reaper = createReaper()
const process: IsolationUnderTest = { name: 'process', create: (options) => createExecutor({ ...options, reaper }), can: () => true }
const basicProcess: IsolationUnderTest = {
  ...process,
  name: 'process, basic',
  create: (options) => createExecutor({ ...options, hardening: 'basic' }),
}
const thread: IsolationUnderTest = { name: 'thread', create: createThreadExecutor, can: (what) => !(what in threadsCannot) }

/** Runs one suite over processes and threads; `levels`: also over processes at the lower level. */
export function conformance(
  subject: string,
  suite: (createExecutor: IsolationUnderTest['create'], isolation: IsolationUnderTest) => void,
  { levels = false } = {},
): void {
  for (const isolation of levels ? [process, basicProcess, thread] : [process, thread])
    describe(`${subject} (${isolation.name})`, () => suite(isolation.create, isolation))
}
