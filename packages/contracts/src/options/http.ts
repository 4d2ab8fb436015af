import { flag, group, integer, invalidOption, text, textList, type OptionRow, type OptionTable } from './check.ts'

/** Which pages of other origins may read what the HTTP API answers. */
export interface CorsOptions {
  /**
   * Origins whose pages may call functions and read `/openapi.json`: `https://app.example.com`, `https://*.example.com` for every name below it, `null` for pages
   * without an origin, `*` for all. @default none: pages of the same origin only
   */
  readonly origins: readonly string[]
  /** Origins whose pages may use the owner's API and the tools (`/api`, `/mcp`); never `*`. @default none */
  readonly apiOrigins: readonly string[]
  /** Methods that such pages may use. @default GET, HEAD, POST, PUT, PATCH, DELETE */
  readonly methods: readonly string[]
  /** Headers that such pages may send; `*` for whatever they ask for. @default `*` */
  readonly headers: readonly string[]
  /** Headers of replies that such pages may read, beside those that every page may. @default those that the platform sets */
  readonly exposeHeaders: readonly string[]
  /** Whether such pages may send cookies and the like; not together with the origin `*`. @default false */
  readonly credentials: boolean
  /** How long a browser may remember what is allowed, in milliseconds; counted in whole seconds. @default 600000 */
  readonly maxAgeMs: number
}

/** How many requests one host takes in a window of time; what is beyond is answered with 429 before anything else is done. */
export interface RateLimitOptions {
  /** Length of a window in milliseconds; it begins with the first request in it. @default 60000 */
  readonly windowMs: number
  /** Calls of all functions of one tenant. @default none */
  readonly perTenant: number | undefined
  /** Calls of one function. @default none */
  readonly perFunction: number | undefined
  /** Requests of any kind from one client address, or from one /64 network of IPv6. @default none */
  readonly perAddress: number | undefined
}

/** What the HTTP API of the platform does, whatever server it is mounted in. Options of a handler win over these, one by one. */
export interface HttpOptions {
  /** Which pages of other origins may read what the HTTP API answers. */
  readonly cors: CorsOptions
  /** How many requests one host takes. */
  readonly rateLimit: RateLimitOptions
  /** Whether what the platform itself answers says to browsers what they must not do with it. Answers of functions are left as they are. @default true */
  readonly securityHeaders: boolean
  /**
   * How long browsers shall use nothing but HTTPS for this host, in milliseconds; sent with what is answered over HTTPS. It holds for the whole host, other paths
   * too. 0 says nothing. @default 0
   */
  readonly hstsMs: number
  /** Whether `/openapi.json` is answered. @default false when NODE_ENV is production, else true */
  readonly docs: boolean
  /**
   * Proxies in front of a server that this package makes itself (`serve`, `nodeAdapter`): as many entries at the end of `X-Forwarded-For` are believed.
   * Frameworks have settings of their own for this. @default 0
   */
  readonly trustProxy: number
  /** Port of the stand-alone server; 0 takes any free one. `cordon serve` takes the variable `PORT` too, where this one is not set. @default 8080 */
  readonly port: number
  /** Address that the stand-alone server listens on. One that other machines can reach needs `authenticate`. @default '127.0.0.1' */
  readonly host: string
  /** When the stand-alone server closes: time in milliseconds for which `/health/ready` says 503 and everything is still taken. @default 0 */
  readonly noticeMs: number
  /**
   * When the stand-alone server closes: time in milliseconds after which running requests are cut. The default is a call that waits (`limits.queueMs`) and then runs
   * (`limits.timeoutMs`) by their defaults. @default 10000
   */
  readonly graceMs: number
  /** Longest time for the head of a request to the stand-alone server, in milliseconds. @default 15000 */
  readonly headersTimeoutMs: number
  /** Longest time for a whole request to the stand-alone server, body included, in milliseconds. @default 300000 */
  readonly requestTimeoutMs: number
}

/** What a caller gives: any part of the options. */
export type HttpInput = AnyOf<
  Omit<HttpOptions, 'cors' | 'rateLimit'> & { readonly cors: AnyOf<CorsOptions>; readonly rateLimit: AnyOf<RateLimitOptions> }
>

type AnyOf<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** Headers of ours that clients in a page look at; `x-relay-error` is how @supabase/functions-js tells its errors apart. */
const ownHeaders = ['x-cordon-invocation-id', 'x-relay-error', 'ratelimit', 'ratelimit-policy', 'retry-after']
/** Two years, above which no list of hosts asks for more (hstspreload.org asks for one). */
const maxHstsMs = 63_072_000_000
const dayMs = 86_400_000
/** Longest timer that Node can hold, in milliseconds. */
const maxTimerMs = 2_147_483_647
/** A token of HTTP (RFC 9110, 5.6.2). */
const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/

const corsTable: OptionTable<CorsOptions> = {
  origins: originList(true),
  apiOrigins: originList(false),
  methods: tokenList(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'], (name) => name.toUpperCase()),
  headers: tokenList(['*'], (name) => name.toLowerCase()),
  exposeHeaders: tokenList(ownHeaders, (name) => name.toLowerCase()),
  credentials: flag(false),
  maxAgeMs: integer(600_000, { min: 0, max: dayMs }),
}

const rateLimitTable: OptionTable<RateLimitOptions> = {
  windowMs: integer(60_000, { min: 1000, max: dayMs }),
  perTenant: count(),
  perFunction: count(),
  perAddress: count(),
}

/** Defaults and checks of the options of `http`. Described in docs/reference/platform-options.md. */
export function httpTable(isProduction: boolean): OptionTable<HttpOptions> {
  return {
    cors: corsGroup(),
    rateLimit: group(rateLimitTable),
    securityHeaders: flag(true),
    hstsMs: integer(0, { min: 0, max: maxHstsMs }),
    docs: flag(!isProduction),
    trustProxy: integer(0, { min: 0, max: 100 }),
    port: integer(8080, { min: 0, max: 65_535 }),
    host: text('127.0.0.1'),
    noticeMs: integer(0, { min: 0, max: dayMs }),
    graceMs: integer(10_000, { min: 0, max: dayMs }),
    headersTimeoutMs: integer(15_000, { min: 1, max: maxTimerMs }),
    requestTimeoutMs: integer(300_000, { min: 1, max: maxTimerMs }),
  }
}

function corsGroup(): OptionRow<CorsOptions> {
  const row = group(corsTable)
  return {
    ...row,
    parse(value, path) {
      const cors = row.parse(value, path)
      // Browsers refuse it (Fetch standard, "CORS protocol and credentials"), and the way around it would open the host to everybody.
      if (cors.credentials && cors.origins.includes('*')) throw invalidOption(`${path}.origins`, 'a list without "*" where credentials is true', '*')
      return cors
    },
  }
}

function count(): OptionRow<number | undefined> {
  return { ...integer(1, { min: 1, max: 1_000_000_000 }), default: () => undefined }
}

function tokenList(fallback: readonly string[], spell: (name: string) => string): OptionRow<readonly string[]> {
  return listOf(fallback, 'a list of names as HTTP has them, such as "content-type"', (name) => (token.test(name) ? spell(name) : undefined))
}

function originList(takesAll: boolean): OptionRow<readonly string[]> {
  const all = takesAll ? ' or "*"' : ''
  return listOf([], `a list of origins such as "https://app.example.com", "https://*.example.com"${all}, without a path`, (given) =>
    given === '*' && !takesAll ? undefined : spellOrigin(given),
  )
}

function listOf(fallback: readonly string[], expected: string, read: (given: string) => string | undefined): OptionRow<readonly string[]> {
  const row = textList(Object.freeze(fallback))
  return {
    default: row.default,
    form: 'list',
    parse(value, path) {
      const list = row.parse(value, path).map((given) => {
        const found = read(given)
        if (found === undefined) throw invalidOption(path, expected, given)
        return found
      })
      return Object.freeze([...new Set(list)])
    },
  }
}

/** An origin as browsers write it into a header: lower case, without the usual port. */
function spellOrigin(given: string): string | undefined {
  if (given === '*' || given === 'null') return given
  const [, scheme, wildcard, host] = /^([a-z][a-z\d+.-]*):\/\/(\*\.)?([^\s/?#@\\*%]+)$/i.exec(given) ?? []
  if (scheme === undefined || host === undefined || !URL.canParse(`${scheme}://${host}`)) return undefined
  const url = new URL(`${scheme}://${host}`)
  return `${url.protocol}//${wildcard ?? ''}${url.host.toLowerCase()}`
}
