import { fillSecrets, headerValue, normaliseHost, type SecretHeaders } from '@cordon/contracts'
import type { ExchangeRequest } from '../egress/exchange.ts'
import { covers } from '../policy/covers.ts'
import { denied, show } from './refusal.ts'

/** Most characters of secrets in the headers of a request: no server takes nearly as many (16 KB by default in Node, 8 KB a line in nginx). */
const maxFilled = 65_536

/** What the headers of one function are filled from. */
export interface SecretSource {
  /** Those of `config.secretHeaders`. */
  readonly declared: SecretHeaders | undefined
  /** Values of the tenant, by name. */
  readonly values: ReadonlyMap<string, string>
  /** Hosts to which they may go without encryption: `net.allowPrivate`. */
  readonly allowPrivate: readonly string[]
}

/**
 * The request with the headers that are declared for its host, instead of what the function says under their names.
 *
 * @throws PlatformError CAPABILITY_DENIED when the way there is not encrypted, or a secret is missing or cannot be in a header
 */
export function withSecretHeaders(request: ExchangeRequest, { declared, values, allowPrivate }: SecretSource): ExchangeRequest {
  const host = normaliseHost(request.url.host)
  if (declared === undefined || host === undefined) return request
  const isFor = (pattern: string): boolean => covers(pattern, { kind: 'net', name: host })
  // What is said of a host goes before what is said of all below a name.
  const found = new Map(
    Object.keys(declared)
      .filter(isFor)
      .toSorted(byWidth)
      .flatMap((pattern) => Object.entries(declared[pattern] ?? {})),
  )
  if (found.size === 0) return request
  if (request.url.protocol !== 'https:' && !allowPrivate.some(isFor)) {
    throw denied(`Cannot fetch from ${show(request.url.origin)}: secrets are put into the requests to it, and they are sent with https: only`)
  }
  let length = 0
  const secretFor = (name: string, header: string): string => {
    const secret = values.get(name)
    if (secret === undefined) {
      throw denied(`Cannot fetch from ${show(host)}: the secret "${name}" of its header "${header}" is not set. Set it with platform.secrets.set`)
    }
    // Before it is looked at: a value may name a secret many times, and every time costs.
    length += secret.length
    if (length > maxFilled) throw denied(`Cannot fetch from ${show(host)}: the secrets in its headers have more than ${maxFilled} characters`)
    if (secret !== '' && headerValue.test(secret)) return secret
    throw denied(
      `Cannot fetch from ${show(host)}: the secret "${name}" cannot be in the header "${header}": it is empty, or has a line break or a character that no header has. Set it again without`,
    )
  }
  const filled = [...found].map(([header, value]) => [header, fillSecrets(value, (name) => secretFor(name, header))] as const)
  const own = request.headers.filter(([name]) => !found.has(name))
  return { ...request, headers: [...own, ...filled], ofOrigin: [...found.keys()] }
}

/** The wider pattern first. */
function byWidth(a: string, b: string): number {
  return Number(b.startsWith('*.')) - Number(a.startsWith('*.')) || a.length - b.length
}
