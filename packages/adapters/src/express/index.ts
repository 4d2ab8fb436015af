export { expressAdapter, type ExpressMiddleware, type ExpressRequest } from './express-adapter.ts'
export type { HandlerOptions } from '../handler.ts'
export type { ParsedRequest } from './parsed-body.ts'
