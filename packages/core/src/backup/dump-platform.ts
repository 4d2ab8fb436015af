import { PlatformError } from '@cordon/contracts'
import { dumpTenants, findUncopied, type SqlConnection } from '@cordon/pool'
import type { CopyHead, PlatformItem } from './platform-item.ts'
import { openStoreDump } from './store-dump.ts'

/** A platform, opened to be copied. */
export interface PlatformDump extends AsyncDisposable {
  readonly head: CopyHead
  /** Everything, once. */
  items(): AsyncGenerator<PlatformItem | Uint8Array, void, undefined>
}

/** Things that are named when a copy is refused. */
const namedProblems = 20

/**
 * Opens a platform to be copied, which may be at work. The store is seen as it is now and each tenant as it is when its turn comes, which is later:
 * what a live version needs of the database is in the copy.
 *
 * @throws PlatformError STORE_UNAVAILABLE, also when something cannot be copied, which it names
 */
export async function openPlatformDump(connection: SqlConnection, signal?: AbortSignal): Promise<PlatformDump> {
  const problems = await findUncopied({ admin: connection, signal })
  if (problems.length > 0) {
    const more = problems.length > namedProblems ? `\n… and ${problems.length - namedProblems} more` : ''
    throw new PlatformError(
      'STORE_UNAVAILABLE',
      `Cannot copy the platform: there is what a copy cannot hold\n${problems.slice(0, namedProblems).join('\n')}${more}`,
      {
        details: { problems },
      },
    )
  }
  const store = await openStoreDump(connection, signal)
  return {
    head: store.head,
    async *items() {
      yield* dumpTenants({ admin: connection, signal })
      yield* store.items()
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
