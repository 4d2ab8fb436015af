import type { Definition } from './definition.ts'

/** The dependencies of one schema: for each key, the keys that it needs. */
export type Needs = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Puts definitions into an order in which each can be made: by rank and then by key, and before that whatever is needed. Gives the keys of a circle
 * instead when there is one.
 */
export function inOrder(
  definitions: readonly Definition[],
  needs: Needs,
): { readonly ordered: readonly Definition[] } | { readonly circle: readonly string[] } {
  const byKey = new Map(definitions.map((one) => [one.key, one]))
  const sorted = [...definitions].sort((a, b) => a.rank - b.rank)
  const done = new Set<string>()
  const ordered: Definition[] = []
  for (const start of sorted) {
    // By hand instead of by recursion: chains can be longer than the stack is deep.
    const path = [{ one: start, rest: neededBy(start) }]
    const open = new Set([start.key])
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { one } = top
      if (done.has(one.key)) {
        open.delete(one.key)
        path.pop()
        continue
      }
      const next = top.rest.pop()
      if (next === undefined) {
        done.add(one.key)
        ordered.push(one)
      } else if (!done.has(next.key)) {
        if (open.has(next.key)) return { circle: path.map((each) => each.one.key) }
        open.add(next.key)
        path.push({ one: next, rest: neededBy(next) })
      }
    }
  }
  return { ordered }

  function neededBy({ key, needs: more }: Definition): Definition[] {
    const keys = [...(needs.get(key) ?? []), ...more]
    const found = keys.map((one) => byKey.get(one)).filter((one) => one !== undefined && one.key !== key)
    // The last is taken first.
    return found.filter((one) => one !== undefined).sort((a, b) => b.rank - a.rank)
  }
}
