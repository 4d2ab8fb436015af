import { invalidOption, PlatformError } from '@cordon/contracts'

/** What a request is answered with: a `Response`, or data that becomes a JSON answer. `Response.error()` is a network that fails. */
export type FetchAnswer = unknown

/** Answers requests; `undefined` for one that it does not know. */
type AnswerFunction = (request: Request) => FetchAnswer | Promise<FetchAnswer>

/**
 * Answers to the requests of functions: a function, or a table from `GET https://host/path` (without a method: any) to an answer or a
 * function. A URL without a query fits any query.
 */
export type FetchScript = AnswerFunction | Readonly<Record<string, FetchAnswer>>

/** A script, ready to answer. */
export interface CompiledScript {
  /** `undefined` for a request that it does not know. */
  answer(request: Request): Promise<Response | undefined>
  /** What it knows, for people. */
  readonly known: readonly string[]
}

/** Reads a script. @throws PlatformError INVALID_OPTION */
export function compileScript(script: FetchScript): CompiledScript {
  if (typeof script === 'function') {
    const answer: AnswerFunction = script
    return { answer: async (request) => toResponse(await answer(request)), known: ['whatever the function given as `fetch` answers'] }
  }
  const rows = Object.entries(script).map(([key, answer]) => ({ ...readKey(key), answer }))
  return {
    known: Object.keys(script),
    async answer(request) {
      const row = rows.find(({ fits }) => fits(request))
      if (row === undefined) return undefined
      return toResponse(typeof row.answer === 'function' ? await (row.answer as AnswerFunction)(request) : row.answer)
    },
  }
}

/** Says that nothing was scripted for a request, and what was. */
export function unscripted({ method, url }: Request, known: readonly string[]): PlatformError {
  const list = known.length === 0 ? 'nothing is scripted' : `scripted: ${known.join(', ')}`
  return new PlatformError(
    'INVALID_OPTION',
    `Cannot answer ${method} ${url}: ${list}. Add it to the option fetch of the test, for example { '${method} ${url.split('?')[0]}': { ok: true } }`,
    { details: { option: 'fetch', method, url } },
  )
}

function readKey(key: string): { readonly fits: (request: Request) => boolean } {
  const [, method, text = ''] = /^(?:([A-Z]+) +)?(https?:\/\/\S+)$/.exec(key) ?? []
  if (!URL.canParse(text)) throw invalidOption('fetch', 'keys such as "GET https://api.example.com/path"', key)
  const wanted = new URL(text)
  return {
    fits(request) {
      const url = new URL(request.url)
      if (method !== undefined && method !== request.method) return false
      return url.origin === wanted.origin && url.pathname === wanted.pathname && (wanted.search === '' || url.search === wanted.search)
    },
  }
}

/** A `Response` is read once, and a table may answer with it many times. */
function toResponse(answer: FetchAnswer): Response | undefined {
  if (answer === undefined) return undefined
  return isResponse(answer) ? (answer.type === 'error' ? answer : answer.clone()) : Response.json(answer)
}

/** Libraries put a class of their own in the place of the global one (@hono/node-server does), whose instances those of Node are not. */
function isResponse(answer: FetchAnswer): answer is Response {
  return answer instanceof Response || Object.prototype.toString.call(answer) === '[object Response]'
}
