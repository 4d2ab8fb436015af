import { memberPath } from './built-in-modules.ts'

/** What can be said about the value of an expression without running it. */
export type Value =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null | undefined }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'record'; readonly entries: ReadonlyMap<string, Value> }
  /** Something reached from the global object or from a built-in module: `['process', 'env']`, `['node:util', 'inspect']`; the empty path is the global object itself. */
  | { readonly kind: 'global'; readonly path: readonly string[] }
  /** A function, a class, or `Function.prototype`, whose constructors all compile text. */
  | { readonly kind: 'function' }
  /** `.constructor` of something unknown. */
  | { readonly kind: 'some-constructor' }
  /** `Function` or one of its siblings, reached through a prototype. */
  | { readonly kind: 'function-constructor' }
  /** What `Symbol()` and `Symbol.for(…)` give. */
  | { readonly kind: 'symbol' }
  | { readonly kind: 'unknown' }

export const unknown: Value = { kind: 'unknown' }

export function constant(value: string | number | boolean | null | undefined): Value {
  return { kind: 'constant', value }
}

/** The text of a constant, as a property key reads it; `undefined` when the value is no constant. */
export function keyOf(value: Value): string | undefined {
  return value.kind === 'constant' ? String(value.value) : undefined
}

/** Names under which the global object refers to itself. */
const selves: ReadonlySet<string> = new Set(['globalThis', 'global', 'self', 'window'])

/** The value of a global name. */
export function globalValue(name: string): Value {
  return selves.has(name) ? { kind: 'global', path: [] } : { kind: 'global', path: [name] }
}

/** Global objects that are no functions: their constructor is `Object`, which is harmless. */
const plainGlobals: ReadonlySet<string> = new Set([
  'Math',
  'JSON',
  'Reflect',
  'Atomics',
  'Intl',
  'console',
  'process',
  'performance',
  'crypto',
  'navigator',
  'module',
  'exports',
])

/** The value of a property. */
export function memberOf(base: Value, key: string): Value {
  if (key === 'constructor') return constructorOf(base)
  if (key === '__proto__') return prototypeOf(base)
  switch (base.kind) {
    case 'global': {
      if (base.path.length === 0) return globalValue(key)
      return { kind: 'global', path: memberPath(base.path, key) }
    }
    case 'list':
      return base.items[Number(key)] ?? methodOf(Array.prototype, key)
    case 'record':
      return base.entries.get(key) ?? methodOf(Object.prototype, key)
    case 'constant':
      if (typeof base.value === 'string') return /^\d+$/.test(key) ? constant(base.value[Number(key)]) : methodOf(String.prototype, key)
      return typeof base.value === 'number' ? methodOf(Number.prototype, key) : unknown
    case 'function':
      return methodOf(Function.prototype, key)
    default:
      return unknown
  }
}

/** A method that every value of a type has: its constructor is `Function`. */
function methodOf(prototype: object, key: string): Value {
  return typeof Object.getOwnPropertyDescriptor(prototype, key)?.value === 'function' ? { kind: 'function' } : unknown
}

/** What `Object.getPrototypeOf` gives. */
export function prototypeOf(base: Value): Value {
  if (base.kind === 'function' || base.kind === 'function-constructor') return { kind: 'function' }
  if (base.kind === 'list') return { kind: 'global', path: ['Array', 'prototype'] }
  if (base.kind === 'record') return { kind: 'global', path: ['Object', 'prototype'] }
  if (base.kind === 'constant' && typeof base.value === 'string') return { kind: 'global', path: ['String', 'prototype'] }
  return unknown
}

function constructorOf(base: Value): Value {
  if (base.kind === 'function' || base.kind === 'some-constructor' || base.kind === 'function-constructor') return { kind: 'function-constructor' }
  if (base.kind === 'record' && base.entries.has('constructor')) return base.entries.get('constructor') ?? unknown
  if (base.kind !== 'global' || base.path.length === 0) return { kind: 'some-constructor' }
  const [root = '', ...rest] = base.path
  if (root === 'Function' && rest.join('.') === 'prototype') return { kind: 'function-constructor' }
  if (root === 'module') return { kind: 'global', path: ['module', 'constructor'] }
  // `Object.prototype.constructor` is `Object`; `Object.constructor` and `Math.max.constructor` are `Function`.
  if (rest.at(-1) === 'prototype' || (rest.length === 0 && plainGlobals.has(root))) return { kind: 'some-constructor' }
  return rest.length === 0 || plainGlobals.has(root) ? { kind: 'function-constructor' } : { kind: 'some-constructor' }
}
