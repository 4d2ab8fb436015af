/** Where a request belongs in a trace, as W3C Trace Context has it. */
export interface TraceParent {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string
  readonly isSampled: boolean
}

/** Version, trace id, parent id, flags; later versions may say more behind another `-` (W3C Trace Context, 3.2). */
const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.{0,200})?$/

/** Reads a `traceparent` header; `undefined` for what is none, which is ignored: whoever sends requests may write into it what he likes. */
export function parseTraceParent(header: string): TraceParent | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] = form.exec(header) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
