/** A name as messages show it: quoted and short. */
export function shownName(name: string): string {
  return JSON.stringify(name.slice(0, 80))
}
