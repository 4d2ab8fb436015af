import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedServer, type EmbeddedServer } from '@cordon/pool'
import type { Logger, Reaper } from '@cordon/contracts'

/** A reaper that only takes notes; the tests end their servers themselves. */
export interface NotingReaper extends Reaper {
  readonly watched: Map<number, string>
}

/** Creates a `NotingReaper`. */
export function createNotingReaper(): NotingReaper {
  const watched = new Map<number, string>()
  return {
    watched,
    watch: (pid, signal = 'SIGKILL') => void watched.set(pid, signal),
    unwatch: (pid) => void watched.delete(pid),
    close: async () => undefined,
  }
}

/** A logger that keeps the messages. */
export function createNotingLogger(): Logger & { readonly messages: string[] } {
  const messages: string[] = []
  const note = (_: unknown, message: string): void => void messages.push(message)
  return { messages, debug: note, info: note, warn: note, error: note }
}

/** The same, with a way to wait for a message that contains `words`. */
export function createWaitingLogger(): ReturnType<typeof createNotingLogger> & { said(words: string): Promise<void> } {
  const messages: string[] = []
  const waiting = new Set<() => void>()
  const note = (_: unknown, message: string): void => {
    messages.push(message)
    for (const look of waiting) look()
  }
  return {
    messages,
    debug: note,
    info: note,
    warn: note,
    error: note,
    said: (words) =>
      new Promise((resolve) => {
        function look(): void {
          if (!messages.some((one) => one.includes(words))) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

/** A new empty directory; `remove` deletes it. PostgreSQL can enter it when the tests run as root. */
export async function createScratch(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'pool-test-'))
  // As root the server runs as somebody else.
  await chmod(path, 0o711)
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** An embedded server in a directory of its own. */
export async function startScratchServer(): Promise<{ server: EmbeddedServer; remove: () => Promise<void> }> {
  const scratch = await createScratch()
  try {
    const server = await createEmbeddedServer({ dataDir: join(scratch.path, 'data'), reaper: createNotingReaper() })
    return {
      server,
      remove: async () => {
        await server.destroy()
        await scratch.remove()
      },
    }
  } catch (error) {
    await scratch.remove()
    throw error
  }
}

/** The error that `work` rejects with. */
export async function failureOf(work: Promise<unknown>): Promise<Error & { code?: unknown; details?: Readonly<Record<string, unknown>> }> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
    throw new Error(`It was rejected with something that is not an error: ${String(error)}`, { cause: error })
  }
  throw new Error('It was expected to be rejected')
}
