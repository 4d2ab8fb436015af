// The client that `cordon types` writes beside the types: it stands alone, in browsers as well as in Node.

interface ClientOptions {
  readonly url: string
  readonly headers?: Record<string, string> | (() => Record<string, string>)
  readonly fetch?: typeof fetch
}

interface CallOptions {
  readonly signal?: AbortSignal
  readonly headers?: Record<string, string>
}

/** A call that failed; the fields are those of the problem that the platform answered with. */
export class CallError extends Error {
  readonly status: number
  readonly code: unknown
  readonly retryable: boolean
  readonly invocationId: unknown
  readonly issues: unknown

  constructor(status: number, problem: Record<string, unknown>) {
    super(typeof problem['detail'] === 'string' ? problem['detail'] : `The platform answered ${status}`)
    this.name = 'CallError'
    this.status = status
    this.code = problem['code']
    this.retryable = problem['retryable'] === true
    this.invocationId = problem['invocationId']
    this.issues = problem['issues'] ?? []
  }
}

/** Calls functions over HTTP. `url` is where the platform is mounted. */
export function createClient({ url, headers = {}, fetch: send = globalThis.fetch }: ClientOptions) {
  const base = `${url.replace(/\/+$/, '')}/fn/`
  const all = (own: Record<string, string> = {}) => ({ ...(typeof headers === 'function' ? headers() : headers), ...own })
  return {
    async invoke(name: string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
      const response = await send(base + encodeURIComponent(name), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...all(options.headers) },
        body: input === undefined ? null : JSON.stringify(input, encodeBytes),
        signal: options.signal ?? null,
      })
      if (response.ok) return response.status === 204 ? undefined : response.json()
      const problem: unknown = await response.json().catch(() => null)
      throw new CallError(response.status, typeof problem === 'object' && problem !== null ? { ...problem } : {})
    },
    fetch(name: string, path = '/', init: RequestInit = {}): Promise<Response> {
      const merged = new Headers(all())
      new Headers(init.headers).forEach((value, key) => merged.set(key, value))
      return send(base + encodeURIComponent(name) + path, { ...init, headers: merged })
    },
  }
}

/** Bytes are base64 in JSON. The value is taken from its holder: a `Buffer` has turned itself into something else before. */
function encodeBytes(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key]
  if (!(original instanceof Uint8Array)) return value
  let text = ''
  for (const byte of original) text += String.fromCharCode(byte)
  return btoa(text)
}
