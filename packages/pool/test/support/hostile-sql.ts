import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** An attack: statements that run alone, or in one transaction when there are several. */
export interface Attack {
  readonly name: string
  readonly statements: readonly string[]
  /** How many times it runs at once. */
  readonly times: number
}

/** Reads `fixtures/hostile-sql`; the README there says how it is written. */
export function readAttacks(): Attack[] {
  const folder = fileURLToPath(new URL('../../test/fixtures/hostile-sql/', import.meta.url))
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .flatMap((file) => readFileSync(folder + file, 'utf8').split(/\n\n+/))
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const [, times = '1', name = ''] = /^-- (?:\[x(\d+)\] )?(.*)\n/.exec(block) ?? []
      const statements = block
        .slice(block.indexOf('\n') + 1)
        .split(/^;;\n/m)
        .map((text) => text.trim())
      return { name, statements, times: Number(times) }
    })
}
