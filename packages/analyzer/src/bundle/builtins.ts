import { isBuiltin } from 'node:module'

/**
 * The built-ins that need no authority (`architecture.md`), without `node:`. Everything else would have to be granted,
 * and is refused with the name of what to use instead.
 */
export const pureBuiltins: ReadonlySet<string> = new Set([
  'assert',
  'assert/strict',
  'async_hooks',
  'buffer',
  'crypto',
  'events',
  'path',
  'path/posix',
  'path/win32',
  'perf_hooks',
  'querystring',
  'stream',
  'stream/consumers',
  'stream/promises',
  'stream/web',
  'string_decoder',
  'timers',
  'timers/promises',
  'url',
  'util',
  'util/types',
  'zlib',
])

/** The name of a Node built-in without `node:`; `undefined` when the specifier is none. */
export function builtinName(specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return specifier.slice('node:'.length)
  return isBuiltin(specifier) ? specifier : undefined
}
