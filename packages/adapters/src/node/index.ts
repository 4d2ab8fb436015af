export { nodeAdapter, type NodeListener } from './node-adapter.ts'
export { readHostFile, type HostFile } from './host-file.ts'
export { serve, type RunningServer, type ServeOptions } from './serve.ts'
export type { HandlerOptions } from '../handler-options.ts'
