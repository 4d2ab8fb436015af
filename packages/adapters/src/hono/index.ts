export { honoAdapter, type HonoContext, type HonoHandler } from './hono-adapter.ts'
export type { HandlerOptions } from '../handler-options.ts'
