export { createExecutor } from './executor.ts'
export type { ExecutorOptions } from './options.ts'
export { createReaper } from './reaper/reaper.ts'
