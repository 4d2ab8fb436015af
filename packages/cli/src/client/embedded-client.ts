import { createHandler } from '@cordon/adapters'
import type { Platform } from '@cordon/contracts'
import type { Client } from './client.ts'

/** A platform inside this process, asked through the same HTTP API. */
export function createEmbeddedClient(platform: Platform): Client {
  // This process owns the data directory, so it needs no credentials.
  const handle = createHandler(platform, { authenticate: () => ({}) })
  return {
    request: (path, init) => handle(new Request(`http://localhost${path}`, init)),
    close: () => platform.close(),
  }
}
