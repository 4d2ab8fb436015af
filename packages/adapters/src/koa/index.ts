export { koaAdapter } from './koa-adapter.ts'
export type { HandlerOptions } from '../handler-options.ts'
