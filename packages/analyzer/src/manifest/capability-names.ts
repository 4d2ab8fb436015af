import { functionName, normaliseHost, secretName, type Capability } from '@cordon/contracts'

/** Rights that have names, and the environment, which is none but has names too. */
export type NamedKind = Exclude<Capability['kind'], 'database'> | 'env'

/** Most names of one kind in a manifest. A function that needs more can say `*.example.com`, or is several functions. */
export const maxNames = 1000

/** What a name of each kind looks like. */
const shapes: Readonly<Record<NamedKind, (name: string) => boolean>> = {
  net: (name) => normaliseHost(name) === name,
  secret: (name) => secretName.test(name),
  function: (name) => functionName.test(name),
  env: (name) => /^[A-Za-z_]\w{0,127}$/.test(name),
  package: (name) => name.length <= 214,
}

/** True for what can be a name of this kind; a host is spelt in its one way. */
export function isName(kind: NamedKind, name: string): boolean {
  return shapes[kind](name)
}

/** How a name of each kind is written, for people. */
export const nameExamples = {
  net: 'a host such as "api.example.com", "localhost:8080" or "*.example.com"',
  secret: 'a name of letters, digits, "_", "." and "-" such as "STRIPE_KEY"',
  function: 'the name of a function such as "send-mail"',
} as const

/** What every sandbox has in its environment; see `environment.ts` of the executor. */
export const givenEnvironment: ReadonlySet<string> = new Set([
  'NODE_ENV',
  'TZ',
  'FUNCTION_TIMEOUT_MS',
  'FUNCTION_MAX_MEMORY_MB',
  'DB_TIMEOUT_MS',
  'CORDON_RESTRICTED',
])
