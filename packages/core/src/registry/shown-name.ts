/** A name as messages show it: quoted and short. Callers without types pass anything. */
export function shownName(name: unknown): string {
  return JSON.stringify(String(name).slice(0, 80))
}
