export { createExecutor } from './executor.ts'
export type { ExecutorOptions, ThreadExecutorOptions } from './options.ts'
export { createReaper, type ProcessReaper } from './reaper/reaper.ts'
export { createThreadExecutor } from './thread/thread-executor.ts'
