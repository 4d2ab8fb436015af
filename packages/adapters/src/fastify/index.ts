export { fastifyAdapter } from './fastify-adapter.ts'
export type { HandlerOptions } from '../handler-options.ts'
