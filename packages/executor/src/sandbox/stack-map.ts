import { createRequire } from 'node:module'
import { PlatformError, type Bundle, type ErrorCode } from '@cordon/contracts'
import type * as traceMapping from '@jridgewell/trace-mapping'
import type { ErrorDescription } from './failure.ts'

/** Lines of a stack that are looked at; the rest is dropped. */
const maxLines = 40
/** `cordon:///<function>/index.js:<line>:<column>`: a position in the bundle. */
const bundlePosition = /cordon:\/\/\/[^:()\s]{1,200}\/index\.js:(\d{1,9}):(\d{1,9})/
/** Frames of the runtime and of Node itself say nothing about the function. */
const isForeignFrame = /\[eval\]|node:internal|\(node:|at Pipe\.|<anonymous>\)?$/

type Mapping = { readonly trace: typeof traceMapping; readonly map: traceMapping.TraceMap | undefined }

const maps = new WeakMap<Bundle, Mapping>()
// Loaded with the first failure: a host whose functions never fail does not pay for it.
const require = createRequire(import.meta.url)

/** Error of an invocation from what the sandbox said about an exception, its stack in terms of the upload's files. */
export function describeFailure(code: ErrorCode, message: string, error: ErrorDescription, bundle: Bundle | undefined): PlatformError {
  return new PlatformError(code, message, { details: { error: mapError(error, bundle) } })
}

function mapError(error: ErrorDescription, bundle: Bundle | undefined): ErrorDescription {
  const { cause } = error
  return { ...error, stack: mapStack(error.stack, bundle), ...(cause === undefined ? {} : { cause: mapError(cause, bundle) }) }
}

function mapStack(stack: string, bundle: Bundle | undefined): string {
  const mapping = bundle === undefined || bundle.sourceMap === '' ? undefined : mappingOf(bundle)
  const lines: string[] = []
  for (const line of stack.split('\n', maxLines)) {
    const isFrame = /^\s+at /.test(line)
    if (isFrame && isForeignFrame.test(line)) continue
    lines.push(isFrame && mapping !== undefined ? mapLine(line, mapping) : line)
  }
  return lines.join('\n')
}

function mapLine(line: string, { trace, map }: Mapping): string {
  const match = bundlePosition.exec(line)
  if (match === null || map === undefined) return line
  const [position, row, column] = match
  const original = trace.originalPositionFor(map, { line: Math.max(1, Number(row)), column: Math.max(0, Number(column) - 1) })
  if (original.source === null) return line
  return line.replace(position, () => `${original.source}:${original.line}:${original.column + 1}`)
}

function mappingOf(bundle: Bundle): Mapping {
  let mapping = maps.get(bundle)
  if (mapping === undefined) {
    const trace = require('@jridgewell/trace-mapping') as typeof traceMapping
    mapping = { trace, map: readMap(trace, bundle.sourceMap) }
    maps.set(bundle, mapping)
  }
  return mapping
}

function readMap(trace: Mapping['trace'], sourceMap: string): traceMapping.TraceMap | undefined {
  try {
    return new trace.TraceMap(sourceMap)
  } catch {
    // Without a map the positions in the bundle are still true.
    return undefined
  }
}
