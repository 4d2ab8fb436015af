export { expressAdapter, type ExpressMiddleware, type ExpressRequest } from './express-adapter.ts'
export type { HandlerOptions } from '../handler-options.ts'
export type { ParsedBody } from '../node/parsed-body.ts'
