import type { Manifest } from '../analysis.ts'
import type { Capability } from '../capability.ts'
import { normaliseHost } from '../host-name.ts'
import { flag, group, integer, invalidOption, isRecord, optional, resolveOptions, type OptionRow, type OptionTable } from './check.ts'
import { limitTable } from './limits.ts'

/** The most that a function's `config` may ask for. */
export interface AllowedLimits {
  /** In milliseconds; what asks for more is refused. @default `limits.timeoutMs`, to which what asks for more is lowered */
  readonly timeoutMs: number | undefined
  /** In MiB; what asks for more is refused. @default `limits.memoryMb`, to which what asks for more is lowered */
  readonly memoryMb: number | undefined
}

/** What the functions of one tenant may be granted. A deployment that needs anything else is refused. */
export interface AllowRules {
  /** Whether functions may use `ctx.db`. @default true */
  readonly database: boolean
  /** Network hosts: `api.example.com`, `localhost:8080`, `*.example.com` for every name below it, `*` for all. @default `*` */
  readonly net: readonly string[]
  /** Names of secrets; `STRIPE_*` for all that start so. @default `*` */
  readonly secrets: readonly string[]
  /** Names of functions that others may call; `mail-*` for all that start so. @default `*` */
  readonly functions: readonly string[]
  /** npm packages inside a bundle, those that the upload carries too; `@acme/*` for all that start so. @default `*` */
  readonly packages: readonly string[]
  /** The most that `config` may ask for. */
  readonly limits: AllowedLimits
}

/** One capability that a deployment adds to its function. */
export interface ApprovalRequest {
  readonly tenant: string
  readonly function: string
  readonly capability: Capability
  /** Manifest of the live version, which does not have the capability; `undefined` for a new function. */
  readonly previous: Manifest | undefined
}

/** Decides about one capability; anything but `true` refuses it. */
export type Approve = (request: ApprovalRequest) => boolean | Promise<boolean>

/** What functions may be granted at deployment. */
export interface AllowOptions extends AllowRules {
  /** Is asked about each capability that a deployment adds and that the lists let through. @default none: the lists decide */
  readonly approve: Approve | undefined
  /** Time in milliseconds that all questions of one deployment to `approve` may take; what is not answered then is refused. @default 10000 */
  readonly approveMs: number
  /** Rules by id of the tenant; they replace those above, name by name. @default none */
  readonly tenants: Readonly<Record<string, Partial<AllowRules>>>
}

const ruleTable: OptionTable<AllowRules> = {
  database: flag(true),
  net: patterns('a list of hosts such as "api.example.com", "localhost:8080", "*.example.com" or "*"', normaliseHost),
  secrets: namePatterns(),
  functions: namePatterns(),
  packages: namePatterns(),
  limits: group<AllowedLimits>({ timeoutMs: unlimited(limitTable.timeoutMs), memoryMb: unlimited(limitTable.memoryMb) }),
}

/** Defaults and checks of the option `allow`. Described in docs/reference/platform-options.md. */
export const allowTable: OptionTable<AllowOptions> = {
  ...ruleTable,
  approve: optional('a function', (value): value is Approve => typeof value === 'function'),
  approveMs: integer(10_000, { min: 1, max: 600_000 }),
  tenants: tenantRules(),
}

function unlimited(row: OptionRow<number>): OptionRow<number | undefined> {
  return { ...row, default: () => undefined }
}

function namePatterns(): OptionRow<readonly string[]> {
  return patterns('a list of names, or beginnings of names with "*" after them', (name) =>
    /^[^*\s]*\*?$/.test(name) && name !== '' ? name : undefined,
  )
}

function patterns(expected: string, read: (text: string) => string | undefined): OptionRow<readonly string[]> {
  return {
    default: () => Object.freeze(['*']),
    form: 'list',
    parse(value, path) {
      if (!Array.isArray(value)) throw invalidOption(path, expected, value)
      // A copy: `map` would not see the holes of a list.
      const list = [...(value as readonly unknown[])].map((one) => {
        const pattern = typeof one === 'string' ? read(one) : undefined
        if (pattern === undefined) throw invalidOption(path, expected, one)
        return pattern
      })
      return Object.freeze(list)
    },
  }
}

function tenantRules(): OptionRow<Readonly<Record<string, Partial<AllowRules>>>> {
  return {
    default: () => Object.freeze({}),
    form: 'json',
    parse(value, path) {
      if (!isRecord(value)) throw invalidOption(path, 'an object from the id of a tenant to its rules', value)
      const tenants = Object.entries(value).map(([tenant, rules]) => {
        const resolved = resolveOptions(ruleTable, rules, `${path}.${tenant}`)
        const given = new Map(isRecord(rules) ? Object.entries(rules) : [])
        return [tenant, Object.freeze(Object.fromEntries(Object.entries(resolved).filter(([key]) => given.get(key) !== undefined)))] as const
      })
      return Object.freeze(Object.fromEntries(tenants))
    },
  }
}
