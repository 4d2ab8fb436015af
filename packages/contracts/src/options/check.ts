import { PlatformError, reasonOf } from '../errors/platform-error.ts'

/**
 * One option: its default and its check in one place. `parse` receives only values that are not `undefined`, returns
 * the resolved value and throws INVALID_OPTION with the path of the option and what was expected.
 */
export interface OptionRow<T> {
  readonly default: () => T
  readonly parse: (value: unknown, path: string) => T
  /** How the value is written in an environment variable. An option without it, and without `rows`, cannot be given by one. */
  readonly form?: OptionForm
  /** The options of a group, by name. */
  readonly rows?: OptionRows
  /** Whether the value holds something that is not to be shown. */
  readonly isSecret?: boolean
}

/** How a value is written as text: `list` and `integers` with commas between, or as JSON like `json`. */
export type OptionForm = 'integer' | 'flag' | 'text' | 'list' | 'integers' | 'json'

/** Options by name, whatever their types. */
export type OptionRows = Readonly<Record<string, OptionRow<unknown>>>

/** The rows of an options object: one per key of the resolved options. */
export type OptionTable<R> = { readonly [K in keyof R]-?: OptionRow<R[K]> }

/** Says that the option at `path` is wrong and what it should have been. */
export function invalidOption(path: string, expected: string, got: unknown): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot use option "${path}": expected ${expected}, got ${show(got)}`, {
    details: { option: path, expected },
  })
}

/**
 * Runs `read`, which looks at something that a caller gave. What getters, proxies and `toString` methods of the caller
 * throw on the way becomes INVALID_OPTION for `path`.
 *
 * @throws PlatformError whatever `read` throws, INVALID_OPTION
 */
export function readGiven<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof PlatformError) throw error
    throw new PlatformError(
      'INVALID_OPTION',
      `Cannot use option "${path}": expected a value that can be read, but reading it failed (${reasonOf(error)})`,
      {
        details: { option: path },
        cause: error,
      },
    )
  }
}

/**
 * Resolves what a caller gave against a table: defaults filled in, every value checked, unknown keys refused, the
 * result frozen. `undefined` means left out; `0`, `''` and `false` are values. The caller's object is neither kept nor changed.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function resolveOptions<R extends object>(table: OptionTable<R>, given: unknown, path = ''): Readonly<R> {
  return readGiven(path || 'options', () => resolve(table, given, path))
}

function resolve<R extends object>(table: OptionTable<R>, given: unknown, path: string): Readonly<R> {
  if (given !== undefined && !isRecord(given)) throw invalidOption(path || 'options', 'an object', given)
  const source: Record<string, unknown> = given === undefined ? {} : given
  const known = Object.keys(table)
  for (const key of Object.keys(source)) {
    if (!Object.hasOwn(table, key)) throw invalidOption(join(path, key), `one of ${known.join(', ')}`, 'an unknown name')
  }
  const resolved: Partial<R> = {}
  for (const key of known) {
    const name = key as keyof R & string
    const value = source[name]
    resolved[name] = value === undefined ? table[name].default() : table[name].parse(value, join(path, name))
  }
  return Object.freeze(resolved) as Readonly<R>
}

/** An integer between `min` and `max`, both included. */
export function integer(fallback: number, range: { min: number; max: number }): OptionRow<number> {
  return {
    default: () => fallback,
    form: 'integer',
    parse(value, path) {
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= range.min && value <= range.max) return value
      throw invalidOption(path, `an integer from ${range.min} to ${range.max}`, value)
    },
  }
}

/** `true` or `false`. */
export function flag(fallback: boolean): OptionRow<boolean> {
  return {
    default: () => fallback,
    form: 'flag',
    parse(value, path) {
      if (typeof value === 'boolean') return value
      throw invalidOption(path, 'true or false', value)
    },
  }
}

/** One of a list of strings. */
export function choice<const T extends string>(values: readonly T[], fallback: () => T): OptionRow<T> {
  return {
    default: fallback,
    form: 'text',
    parse(value, path) {
      const found = values.find((one) => one === value)
      if (found !== undefined) return found
      throw invalidOption(path, `one of ${values.map((one) => `'${one}'`).join(', ')}`, value)
    },
  }
}

/** A string that is not empty. */
export function text<F extends string | undefined>(fallback: F): OptionRow<string | F> {
  return {
    default: () => fallback,
    form: 'text',
    parse(value, path) {
      if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
      throw invalidOption(path, 'a string that is not empty', value)
    },
  }
}

/** A list of strings that are not empty; the list is copied and frozen. */
export function textList(fallback: readonly string[]): OptionRow<readonly string[]> {
  return {
    default: () => fallback,
    form: 'list',
    parse(value, path) {
      if (Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '')) return Object.freeze([...value])
      throw invalidOption(path, 'a list of strings that are not empty', value)
    },
  }
}

/** A nested options object with a table of its own. */
export function group<R extends object>(table: OptionTable<R>): OptionRow<Readonly<R>> {
  return {
    default: () => resolveOptions(table, undefined),
    rows: Object.fromEntries<OptionRow<unknown>>(Object.entries(table)),
    parse: (value, path) => resolveOptions(table, value, path),
  }
}

/** A value of any kind that `accepts` recognises; `expected` completes the sentence "expected …". */
export function optional<T>(expected: string, accepts: (value: unknown) => value is T): OptionRow<T | undefined> {
  return {
    default: () => undefined,
    parse(value, path) {
      if (accepts(value)) return value
      throw invalidOption(path, expected, value)
    },
  }
}

/** True for objects that are not arrays. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (isList(value)) return `a list of ${value.length}`
  return `a value of type ${typeof value}`
}

function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    // A proxy that was revoked.
    return false
  }
}
