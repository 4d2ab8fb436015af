import { types } from 'node:util'
import {
  invalidOption,
  isRecord,
  optional,
  resolveOptions,
  type FunctionConfig,
  type InvokeOptions,
  type OptionTable,
  type UploadSource,
  type User,
} from '@cordon/contracts'
import type { FetchScript } from './scene/fetch-script.ts'
import type { ScriptedFunction } from './scene/scripted-function.ts'

/** The function to test: the path (or `file:` URL) of its file, folder or archive, or an upload in any other form that `deploy` takes. */
export type FunctionSource = string | URL | UploadSource

/** What is in the function database before the first call, after the migrations of the function. */
export interface SeedOptions {
  /** Folder of `*.sql` migrations that are applied as those of a deployment are. @default `migrations` of the function's folder */
  readonly migrations?: string | undefined
  /** SQL, any number of statements; runs as the function's own role. */
  readonly sql?: string | undefined
  /** Rows by table, one object each, inserted in this order. */
  readonly rows?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> | undefined
}

/** What surrounds a function in a test. */
export interface LoadOptions {
  /** @default the name of the file or folder */
  readonly name?: string | undefined
  /** Replaces keys of the `config` literal in the code. */
  readonly config?: FunctionConfig | undefined
  /** Short for `config: { env }`. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Values of secrets. The function sees those that its manifest names, as ever. */
  readonly secrets?: Readonly<Record<string, string>> | undefined
  /** SQL, or more of what its database begins with. */
  readonly db?: string | SeedOptions | undefined
  /** Answers to what it fetches. A request that nobody answers fails the test. @default those of the platform, else none */
  readonly fetch?: FetchScript | undefined
  /** Functions that it may call: the path of a real one, or what is called instead of it. */
  readonly functions?: Readonly<Record<string, string | URL | ScriptedFunction>> | undefined
  /** The time that `Date` stands still at: milliseconds since 1970, a `Date`, or a text that `Date` reads. @default it goes on */
  readonly clock?: number | string | Date | undefined
}

/** Options of one call of a JSON function. */
export interface TestCallOptions extends TestFetchOptions {
  /** `ctx.request`, as far as it is given. */
  readonly request?: InvokeOptions['request']
}

/** Options of one call of an HTTP function. */
export interface TestFetchOptions {
  /** `ctx.user`. */
  readonly user?: User | undefined
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined
  /** Lowers the timeout of the function. */
  readonly timeoutMs?: number | undefined
}

/** Options of `runFunction`: what surrounds the function, and one call of it. */
export type RunOptions = LoadOptions & TestCallOptions

/** Options of `fetchFunction`. */
export type FetchRunOptions = LoadOptions & TestFetchOptions

/** Checked options; whatever `deploy` and `invoke` check themselves is passed on as it is. */
export interface ResolvedLoadOptions {
  readonly name: string | undefined
  readonly config: FunctionConfig | undefined
  readonly env: Readonly<Record<string, string>> | undefined
  readonly secrets: Readonly<Record<string, string>> | undefined
  readonly db: SeedOptions
  readonly fetch: FetchScript | undefined
  readonly functions: Readonly<Record<string, string | URL | ScriptedFunction>>
  /** Milliseconds since 1970. */
  readonly clock: number | undefined
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTexts = (value: unknown): value is Readonly<Record<string, string>> => isRecord(value) && Object.values(value).every(isText)
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> => isRecord(value)

const seedTable: OptionTable<SeedOptions> = {
  migrations: optional('the path of a folder', isText),
  sql: optional('SQL', isText),
  rows: optional('an object from table to rows, each an object', isRows),
}

const table: OptionTable<ResolvedLoadOptions> = {
  name: optional('a text', isText),
  config: optional('an object', isPlain),
  env: optional('an object of texts', isTexts),
  secrets: optional('an object of texts', isTexts),
  db: {
    default: () => ({}),
    parse: (value, path) => (isText(value) ? { sql: value } : resolveOptions(seedTable, value, path)),
  },
  fetch: optional(
    'a function, or an object from "GET https://host/path" to an answer',
    (value): value is FetchScript => isPlain(value) || typeof value === 'function',
  ),
  functions: {
    default: () => ({}),
    parse(value, path) {
      if (!isPlain(value)) throw invalidOption(path, 'an object from name to path or function', value)
      const given: Record<string, string | URL | ScriptedFunction> = {}
      for (const [name, one] of Object.entries(value)) {
        if (!isText(one) && !(one instanceof URL) && !isScript(one))
          throw invalidOption(`${path}.${name}`, 'the path of a function, or a function', one)
        given[name] = one
      }
      return given
    },
  },
  clock: {
    default: () => undefined,
    parse(value, path) {
      const time = types.isDate(value) || isText(value) || typeof value === 'number' ? new Date(value).getTime() : NaN
      if (Number.isNaN(time)) throw invalidOption(path, 'a time: milliseconds since 1970, a Date, or a text such as "2030-01-01T00:00:00Z"', value)
      return time
    },
  },
}

/** Checks what surrounds a function. @throws PlatformError INVALID_OPTION */
export function resolveLoadOptions(given: unknown): ResolvedLoadOptions {
  return resolveOptions(table, given)
}

/** Parts the options of a run into those of loading and those of the call. */
export function splitRunOptions(given: RunOptions): { readonly load: LoadOptions; readonly call: TestCallOptions } {
  const known: unknown = given
  if (!isRecord(known)) throw invalidOption('options', 'an object', known)
  const { user, request, signal, timeoutMs, ...load } = given
  return { load, call: { user, request, signal, timeoutMs } }
}

function isScript(value: unknown): value is ScriptedFunction {
  return typeof value === 'function'
}

function isRows(value: unknown): value is NonNullable<SeedOptions['rows']> {
  return isPlain(value) && Object.values(value).every((rows) => Array.isArray(rows) && rows.every(isPlain))
}
