/** Most single-character changes between two names that are taken for the same one, mistyped: of long ones, and a part of short ones. */
const most = { changes: 3, share: 1 / 3 }

/** The known name that is nearest to one that is not known; `undefined` when none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const maxDistance = Math.min(most.changes, Math.floor(name.length * most.share))
  let best: string | undefined
  let bestDistance = maxDistance + 1
  for (const one of known) {
    // A difference in length is a distance already; names of any length may come from outside.
    if (Math.abs(one.length - name.length) > maxDistance) continue
    const distance = distanceOf(name, one)
    if (distance < bestDistance) {
      best = one
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions and replacements that lead from one text to another (Levenshtein 1966). */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (to[column - 1] === character ? 0 : 1)
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
