import type { Platform } from '@cordon/contracts'
import { inRequestSpan } from './request-span.ts'
import { routePattern } from './route-pattern.ts'

/** What is found out about a request on its way. */
export interface RequestNotes {
  tenant?: string | undefined
  /** The function that it calls. */
  function?: string | undefined
}

/** Runs `answer` and takes notes, where anybody wants to read them. */
export type RequestWatch = (request: Request, path: string | undefined, answer: (notes?: RequestNotes) => Promise<Response>) => Promise<Response>

/** Routes that are asked again and again by programs, and say nothing about the use of the platform. */
const routine: readonly (string | undefined)[] = ['/health/live', '/health/ready', '/metrics']

/**
 * Traces requests where the host application wants traces, and logs each where the option `log.requests` says so: neither query, nor headers, nor
 * bodies, which may hold anything.
 */
export function createRequestWatch({ options }: Platform): RequestWatch {
  const { logger } = options
  if (!options.log.requests || logger === undefined) return (request, path, answer) => inRequestSpan(request, path, () => answer())
  return async (request, path, answer) => {
    const startedAt = performance.now()
    const notes: RequestNotes = {}
    const response = await inRequestSpan(request, path, () => answer(notes))
    const route = routePattern(path)
    const invocationId = response.headers.get('x-cordon-invocation-id')
    const fields = {
      method: request.method,
      route,
      status: response.status,
      // To the head of the reply: a body may be streamed for hours.
      ms: Math.round((performance.now() - startedAt) * 100) / 100,
      ...(invocationId === null ? {} : { invocationId }),
      ...notes,
    }
    logger[routine.includes(route) ? 'debug' : 'info'](fields, 'request')
    return response
  }
}
