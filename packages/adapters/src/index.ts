export { createHandler, type Handler, type HandlerOptions } from './handler.ts'
export type { Problem } from './routes/problem.ts'
