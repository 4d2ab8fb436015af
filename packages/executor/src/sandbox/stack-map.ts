import { PlatformError, type Bundle, type ErrorCode } from '@cordon/contracts'
import type { ErrorDescription } from './failure.ts'
import { openSourceMap, type SourcePositions } from './source-positions.ts'

/** Lines of a stack that are looked at; the rest is dropped. */
const maxLines = 40
/** `cordon:///<function>/index.js:<line>:<column>`: a position in the bundle. */
const bundlePosition = /cordon:\/\/\/[^:()\s]{1,200}\/index\.js:(\d{1,9}):(\d{1,9})/
/** What stands in front of the position of a frame, without `async` and `new`. */
const frameName = /^(\s+at (?:async )?(?:new )?)(.*) \($/
/** Frames of the runtime and of Node itself say nothing about the function. */
const isForeignFrame = /\[eval\]|node:internal|\(node:|at Pipe\.|<anonymous>\)?$/
/** The places of a log line, as runtimes send them. */
const placeList = /^\d{1,9}:\d{1,9}(?:,\d{1,9}:\d{1,9})*$/

/** Error of an invocation from what the sandbox said about an exception, its stack in terms of the upload's files. */
export function describeFailure(code: ErrorCode, message: string, error: ErrorDescription, bundle: Bundle | undefined): PlatformError {
  return new PlatformError(code, message, { details: { error: mapError(error, bundle) } })
}

/** A log message; stacks in it are put in terms of the upload's files. */
export function mapLog(message: string, bundle: Bundle | undefined): string {
  return message.includes('cordon:///') ? mapStack(message, bundle, Infinity) : message
}

/** Where a log line was written, as `file:line:column`: the first place in the user's own files, else the first. `undefined` when unknown. */
export function locate(places: string, bundle: Bundle | undefined): string | undefined {
  if (bundle === undefined || !placeList.test(places)) return undefined
  const positions = openSourceMap(bundle, { isOptional: true })
  if (positions === undefined) return undefined
  let first: string | undefined
  for (const place of places.split(',')) {
    const [line = 0, column = 0] = place.split(':').map(Number)
    const found = positions.original(line, column)
    if (found !== undefined && !/(?:^|\/)node_modules\//.test(found)) return found
    first ??= found
  }
  return first
}

function mapError(error: ErrorDescription, bundle: Bundle | undefined): ErrorDescription {
  const { cause } = error
  return { ...error, stack: mapStack(error.stack, bundle, maxLines), ...(cause === undefined ? {} : { cause: mapError(cause, bundle) }) }
}

function mapStack(stack: string, bundle: Bundle | undefined, limit: number): string {
  const positions = bundle === undefined ? undefined : openSourceMap(bundle)
  const lines: string[] = []
  for (const line of stack.split('\n').slice(0, limit)) {
    const isFrame = /^\s+at /.test(line)
    if (isFrame && isForeignFrame.test(line)) continue
    const mapped = isFrame && positions !== undefined ? mapFrame(line, positions) : line
    if (mapped !== undefined) lines.push(mapped)
  }
  return lines.join('\n')
}

/** A frame in terms of the upload; `undefined` for one of what the bundler adds. */
function mapFrame(line: string, positions: SourcePositions): string | undefined {
  const match = bundlePosition.exec(line)
  if (match === null) return line
  const [position, row, column] = match
  const original = positions.original(Number(row), Number(column))
  if (original === undefined) return undefined
  const [, start = '', name = ''] = frameName.exec(line.slice(0, match.index)) ?? []
  if (name === '') return line.replace(position, () => original)
  // The top of a module that is loaded late is a function of the bundler's, named after the file.
  if (/^(?:Object\.)?upload:/.test(name)) return start + original
  return `${start}${name.replace(/[\w$]+/g, (one) => positions.originalName(one))} (${original})`
}
