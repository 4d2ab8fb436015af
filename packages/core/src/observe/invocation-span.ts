import type { InvocationRecord, PlatformError } from '@cordon/contracts'
import { SpanKind } from '@opentelemetry/api'
import { TraceSpan } from './trace-span.ts'

/** What is called. */
export interface InvocationSubject {
  readonly tenant: string
  readonly function: string
  readonly version: string
  readonly invocationId: string
}

/** Begins the span of an invocation, below `parent` when a function made the call; `undefined` when nobody wants a trace. */
export function startInvocationSpan(
  called: InvocationSubject,
  parent: TraceSpan | undefined,
  headers: Readonly<Record<string, string>>,
): TraceSpan | undefined {
  const attributes = {
    'faas.name': called.function,
    'faas.version': called.version,
    'faas.invocation_id': called.invocationId,
    'cordon.tenant': called.tenant,
  }
  const subject = { name: called.function, kind: SpanKind.INTERNAL, attributes }
  return parent === undefined ? TraceSpan.start(subject, headers) : parent.child(subject)
}

/** Ends it, with spans below it for what it waited for: their times are known only now. */
export function endInvocationSpan(span: TraceSpan, record: InvocationRecord, error: PlatformError | undefined): void {
  if (span.isRecording) {
    span.set({ 'faas.coldstart': record.coldStart, 'cordon.cpu_ms': record.cpuMs, 'cordon.peak_memory_mb': record.peakMemoryMb })
    // Counted back from the end: the record knows when it began to the millisecond only.
    let at = now() - record.durationMs - record.loadMs - record.bootMs - record.queueMs
    for (const [name, ms] of [
      ['queue', record.queueMs],
      ['boot', record.bootMs],
      ['load', record.loadMs],
    ] as const) {
      // Less than the clock of most viewers shows; a warm call waits for a few microseconds.
      if (ms >= minShownMs) span.child({ name, kind: SpanKind.INTERNAL, startedAt: at }).end({ at: at + ms })
      at += ms
    }
  }
  span.end({ error })
}

const minShownMs = 0.05

function now(): number {
  return performance.timeOrigin + performance.now()
}
