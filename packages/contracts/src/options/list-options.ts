import type { OptionRow, OptionRows } from './check.ts'

/** One option of a table, groups included, as settings name it. */
export interface ListedOption {
  /** `limits.timeoutMs`. */
  readonly path: string
  /** The environment variable that gives it, `CORDON_LIMITS_TIMEOUT_MS`; groups have one too, which holds JSON. */
  readonly variable: string
  readonly row: OptionRow<unknown>
}

/** Every option of a table with its environment variable; a group stands before its own options. */
export function listOptions(rows: OptionRows, prefix = ''): readonly ListedOption[] {
  return Object.entries(rows).flatMap(([name, row]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    return [{ path, variable: variableOf(path), row }, ...(row.rows === undefined ? [] : listOptions(row.rows, path))]
  })
}

function variableOf(path: string): string {
  return `CORDON_${path.replaceAll('.', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase()
}
