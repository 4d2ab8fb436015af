import { createRequire } from 'node:module'
import type { Bundle } from '@cordon/contracts'
import type * as traceMapping from '@jridgewell/trace-mapping'

/** Positions and names of a bundle in terms of the upload. */
export interface SourcePositions {
  /** `file:line:column` of a position in the code, all 1-based; `undefined` where the code is nobody's source. */
  original(line: number, column: number): string | undefined
  /** The name in the source of something that the bundler renamed; else the name itself. */
  originalName(name: string): string
}

/** Larger maps are not read just to say where a line was logged: reading one takes about a millisecond for 100 000 characters. */
const maxOptionalMap = 2_000_000

const opened = new WeakMap<Bundle, SourcePositions | null>()
// Loaded with the first use: a host whose functions never fail or log does not pay for it.
const require = createRequire(import.meta.url)

/** Opens the source map of a bundle, once; `undefined` when it has none that can be read, or a large one that is only `isOptional`. */
export function openSourceMap(bundle: Bundle, { isOptional = false } = {}): SourcePositions | undefined {
  const known = opened.get(bundle)
  if (known !== undefined) return known ?? undefined
  if (isOptional && bundle.sourceMap.length > maxOptionalMap) return undefined
  const positions = bundle.sourceMap === '' ? undefined : read(bundle)
  opened.set(bundle, positions ?? null)
  return positions
}

function read(bundle: Bundle): SourcePositions | undefined {
  const trace = require('@jridgewell/trace-mapping') as typeof traceMapping
  let map: traceMapping.TraceMap
  try {
    map = new trace.TraceMap(bundle.sourceMap)
  } catch {
    // Without a map the positions in the bundle are still true.
    return undefined
  }
  let names: ReadonlyMap<string, string> | undefined
  return {
    original(line, column) {
      const found = trace.originalPositionFor(map, { line: Math.max(1, line), column: Math.max(0, column - 1) })
      return found.source === null ? undefined : `${found.source}:${found.line}:${found.column + 1}`
    },
    originalName(name) {
      names ??= readNames(trace.decodedMappings(map), map.names, bundle.code)
      return names.get(name) ?? name
    },
  }
}

/** The map has a name wherever the bundler changed one. */
function readNames(mappings: ReturnType<typeof traceMapping.decodedMappings>, names: readonly string[], code: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const lines = code.split('\n')
  for (const [row, segments] of mappings.entries()) {
    for (const [column, , , , index] of segments) {
      const original = index === undefined ? undefined : names[index]
      const text = original === undefined ? '' : (/^[\w$]+/.exec(lines[row]?.slice(column, column + 200) ?? '')?.[0] ?? '')
      if (original !== undefined && text !== '') found.set(text, original)
    }
  }
  return found
}
