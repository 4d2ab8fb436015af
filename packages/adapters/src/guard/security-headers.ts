import type { HttpOptions } from '@cordon/contracts'

/** Headers of replies that browsers obey; what a reply says itself stays. */
export interface SecurityHeaders {
  /** Of what the platform itself answers, which no page shows, frames or loads. */
  readonly own: Readonly<Record<string, string>>
  /** Of whatever is answered over HTTPS. */
  readonly secure: Readonly<Record<string, string>>
}

/**
 * The headers of OWASP's "HTTP Headers Cheat Sheet" (REST: "Security Headers") that mean something for JSON, as helmet 8 and hono/secure-headers
 * spell them. Pages of functions are theirs to guard: the strict ones would break them.
 */
export function createSecurityHeaders({ securityHeaders, hstsMs }: Pick<HttpOptions, 'securityHeaders' | 'hstsMs'>): SecurityHeaders {
  return {
    own: securityHeaders
      ? {
          'x-content-type-options': 'nosniff',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
          'x-frame-options': 'DENY',
          'referrer-policy': 'no-referrer',
          'cross-origin-resource-policy': 'same-origin',
        }
      : {},
    secure: hstsMs === 0 ? {} : { 'strict-transport-security': `max-age=${Math.floor(hstsMs / 1000)}` },
  }
}

/** Sets those of the headers that are not there. */
export function addMissing(headers: Headers, missing: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(missing)) if (!headers.has(name)) headers.set(name, value)
}
