import { CommandFailure } from '../exit-code.ts'
import type { Client } from './client.ts'

/** A platform behind an HTTP server. */
export function createHttpClient(options: { url: string; token: string | undefined }): Client {
  const base = options.url.replace(/\/+$/, '')
  return {
    async request(path, init = {}) {
      const headers = new Headers(init.headers)
      if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`)
      try {
        // A redirect would carry the token to another place.
        return await fetch(base + path, { ...init, headers, redirect: 'error' })
      } catch (error) {
        if (init.signal?.aborted === true) throw error
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
        throw new CommandFailure(`Cannot reach the platform at ${base}: ${cause}`, 3)
      }
    },
    close: () => Promise.resolve(),
  }
}
