import { choice, flag, optional, resolveOptions, textList, type OptionRow, type OptionTable, isRecord, invalidOption } from './options/check.ts'
import { limitTable } from './options/limits.ts'
import { secretHeaders, type SecretHeaders } from './secret-headers.ts'

/** Who may call a function over HTTP. `internal` functions are reachable through the API of the host only. */
export type Access = 'public' | 'authenticated' | 'internal'

/** `export const config` of a function file: a literal that the analyzer reads without running it. */
export interface FunctionConfig {
  /** Longest run of one invocation in milliseconds. @default the limit of the platform */
  readonly timeoutMs?: number | undefined
  /** Memory of one sandbox in MiB. @default the limit of the platform */
  readonly memoryMb?: number | undefined
  /** Invocations that one sandbox may run at once. @default the limit of the platform */
  readonly instanceConcurrency?: number | undefined
  /** `false` gives every invocation a sandbox of its own: nothing stays from one to the next. @default the limit of the platform */
  readonly reuse?: boolean | undefined
  /** Who may call it over HTTP: everybody, callers that `authenticate` recognises, or nobody (`'internal'`: only `platform.invoke` and `/api`). @default 'public' */
  readonly access?: Access | undefined
  /** Whether the function may use `ctx.db`. @default true when the code mentions `db` of its context */
  readonly database?: boolean | undefined
  /** Hosts that the function may reach with `fetch`. */
  readonly net?: readonly string[] | undefined
  /** Names of the secrets it may read. */
  readonly secrets?: readonly string[] | undefined
  /**
   * Headers with secrets that the host puts into the requests to a host, so that the function never sees them:
   * `{ 'api.stripe.com': { authorization: 'Bearer {STRIPE_KEY}' } }`. The hosts are granted as those of `net` are.
   */
  readonly secretHeaders?: SecretHeaders | undefined
  /** Environment values the function sees as `process.env` and `ctx.env`. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Names of the functions it may call. */
  readonly functions?: readonly string[] | undefined
  /** JSON Schema of the input. */
  readonly input?: Readonly<Record<string, unknown>> | undefined
  /** JSON Schema of the output. */
  readonly output?: Readonly<Record<string, unknown>> | undefined
}

/** A complete configuration; `undefined` limits fall back to the host's. */
export interface ResolvedFunctionConfig {
  readonly timeoutMs: number | undefined
  readonly memoryMb: number | undefined
  readonly instanceConcurrency: number | undefined
  readonly reuse: boolean | undefined
  readonly access: Access
  readonly database: boolean | undefined
  readonly net: readonly string[]
  readonly secrets: readonly string[]
  readonly secretHeaders: SecretHeaders | undefined
  readonly env: Readonly<Record<string, string>>
  readonly functions: readonly string[]
  readonly input: Readonly<Record<string, unknown>> | undefined
  readonly output: Readonly<Record<string, unknown>> | undefined
}

const schema = () => optional('a JSON Schema object', isRecord)

/** Defaults and checks of `export const config`. */
export const functionConfigTable: OptionTable<ResolvedFunctionConfig> = {
  timeoutMs: unset(limitTable.timeoutMs),
  memoryMb: unset(limitTable.memoryMb),
  instanceConcurrency: unset(limitTable.instanceConcurrency),
  reuse: unset(limitTable.reuse),
  access: choice(['public', 'authenticated', 'internal'], () => 'public'),
  database: unset(flag(false)),
  net: textList([]),
  secrets: textList([]),
  secretHeaders: secretHeaders(),
  env: environment(),
  functions: textList([]),
  input: schema(),
  output: schema(),
}

/**
 * Resolves a configuration that is already known to have no unknown keys (the analyzer reports those as warnings).
 *
 * @throws PlatformError INVALID_OPTION with the path `config.<name>`
 */
export function resolveFunctionConfig(config: unknown): ResolvedFunctionConfig {
  return resolveOptions(functionConfigTable, config, 'config')
}

/** Names with these beginnings or spellings change how Node, the loader or TLS behave, so no function may set them. */
export const reservedEnvironmentName = /^(NODE_|LD_|DYLD_|OPENSSL_|SSL_CERT_|UV_)|^(PATH|HOME|__proto__)$/i

function environment(): OptionRow<Readonly<Record<string, string>>> {
  return {
    default: () => Object.freeze({}),
    parse(value, path) {
      if (!isRecord(value)) throw invalidOption(path, 'an object from name to string', value)
      for (const [name, one] of Object.entries(value)) {
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalidOption(`${path}.${name}`, 'a name of letters, digits and _', name)
        if (reservedEnvironmentName.test(name)) throw invalidOption(`${path}.${name}`, 'a name that is not reserved for the platform', name)
        if (typeof one !== 'string' || one.includes('\0')) throw invalidOption(`${path}.${name}`, 'a string', one)
      }
      return Object.freeze({ ...(value as Record<string, string>) })
    },
  }
}

function unset<T>(row: OptionRow<T>): OptionRow<T | undefined> {
  return { default: () => undefined, parse: row.parse }
}
