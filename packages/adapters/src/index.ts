export { createHandler, type ClientFacts, type Handler } from './handler.ts'
export type { HandlerOptions } from './handler-options.ts'
export type { Problem } from './routes/problem.ts'
