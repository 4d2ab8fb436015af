import { NativeError } from './primordials.ts'

/** Frames that are looked at: one or two of `console` itself, then the caller, which may be a logging package, and who called that. */
const maxFrames = 5

let codeName = ''

/** Says under which name the code of the version runs. */
export function setCodeName(filename: string): void {
  codeName = filename
}

const { captureStackTrace } = NativeError

/**
 * Where in the code of the version the caller of `below` is, and who called that: `line:column`, separated by commas, nearest first;
 * empty when that is not known. Functions may change what call sites say: what comes out is a hint, which the host checks.
 */
export function callerPlaces(below: (...values: never[]) => unknown): string {
  try {
    const { stackTraceLimit, prepareStackTrace } = NativeError
    const holder: { stack?: unknown } = {}
    try {
      // A text of the stack would cost three times as much.
      NativeError.stackTraceLimit = maxFrames
      NativeError.prepareStackTrace = keepSites
      captureStackTrace(holder, below)
      return placesOf(holder.stack)
    } finally {
      NativeError.stackTraceLimit = stackTraceLimit
      NativeError.prepareStackTrace = prepareStackTrace
    }
  } catch {
    return ''
  }
}

function keepSites(_error: unknown, sites: unknown): unknown {
  return sites
}

function placesOf(stack: unknown): string {
  const sites = stack as Pick<NodeJS.CallSite, 'getFileName' | 'getLineNumber' | 'getColumnNumber'>[]
  let places = ''
  for (let index = 0; index < maxFrames; index++) {
    const site = sites[index]
    if (site === undefined || site.getFileName() !== codeName) continue
    const line: unknown = site.getLineNumber()
    const column: unknown = site.getColumnNumber()
    if (typeof line === 'number' && typeof column === 'number') places += `${places === '' ? '' : ','}${line}:${column}`
  }
  // The frame has one byte for its length.
  return places.length > 200 ? '' : places
}
