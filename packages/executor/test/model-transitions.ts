import { readFile } from 'node:fs/promises'
import type { SandboxEvent } from '@cordon/contracts'

export type State = SandboxEvent['state']

/** States that a sandbox may change to. `docs/lifecycle.md` holds the same table. */
export const transitions: Readonly<Record<State, readonly State[]>> = {
  booting: ['spare', 'loading', 'dead'],
  spare: ['loading', 'dead'],
  loading: ['idle', 'dead'],
  idle: ['busy', 'dead'],
  busy: ['idle', 'dead'],
  dead: [],
}

/** What of it `onSandbox` shows, which says nothing of the change between idle and busy. */
export function isReported(from: State, to: State): boolean {
  return to !== 'busy' && transitions[from].includes(to)
}

/** The table of the document: state -> states in its column "then". */
export async function readDocumentedTransitions(): Promise<Record<string, string[]>> {
  const text = await readFile(new URL('../../../docs/lifecycle.md', import.meta.url), 'utf8')
  const table: Record<string, string[]> = {}
  for (const [, state = '', next = ''] of text.matchAll(/^\| `(\w+)` \|[^|]*\|[^|]*\|([^|]*)\|$/gm)) {
    table[state] = [...next.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
  }
  return table
}
