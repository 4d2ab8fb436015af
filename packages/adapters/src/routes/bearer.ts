import { createHash, timingSafeEqual } from 'node:crypto'

/** Tells requests with `Authorization: Bearer <token>` from others; the comparison takes the same time for every wrong one. */
export function bearerCheck(token: string): (request: Request) => boolean {
  const expected = digest(`bearer ${token}`)
  return (request) => {
    const header = request.headers.get('authorization') ?? ''
    // The scheme is written in any case (RFC 9110, 11.1), the token is not.
    return timingSafeEqual(digest(header.replace(/^bearer +/i, 'bearer ')), expected)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
