import { PlatformError, parseTraceParent } from '@cordon/contracts'
import {
  context,
  createTraceState,
  isSpanContextValid,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanKind,
} from '@opentelemetry/api'

/** What a span is about. Times in milliseconds since 1970. */
export interface SpanSubject {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes?: Attributes
  /** @default now */
  readonly startedAt?: number
}

/** Does nothing as long as the host application has no OpenTelemetry SDK. */
const tracer = trace.getTracer('cordon')

/** A span of a trace that somebody wants: the host application has an SDK, or whoever called said which trace the call belongs to. */
export class TraceSpan {
  readonly #span: Span
  readonly #context: Context

  private constructor(span: Span, parent: Context) {
    this.#span = span
    this.#context = trace.setSpan(parent, span)
  }

  /** The first span of ours; `undefined` when nobody wants a trace. `headers` say where the call comes from, unless the host application does. */
  static start(subject: SpanSubject, headers: Readonly<Record<string, string>>): TraceSpan | undefined {
    const parent = parentContext(headers)
    const span = startSpan(subject, parent)
    return span !== undefined && isSpanContextValid(span.spanContext()) ? new TraceSpan(span, parent) : undefined
  }

  /** A span below this one. */
  child(subject: SpanSubject): TraceSpan {
    return new TraceSpan(startSpan(subject, this.#context) ?? trace.wrapSpanContext(this.#span.spanContext()), this.#context)
  }

  get traceId(): string {
    return this.#span.spanContext().traceId
  }

  /** Whether anybody gets to see it. */
  get isRecording(): boolean {
    return this.#span.isRecording()
  }

  /** As W3C Trace Context has it. */
  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext()
    return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`
  }

  /** What a request says that belongs to it. */
  headers(): readonly (readonly [string, string])[] {
    const state = this.#span.spanContext().traceState?.serialize() ?? ''
    const parent = ['traceparent', this.traceparent] as const
    return state === '' ? [parent] : [parent, ['tracestate', state]]
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes)
  }

  /** It is over, or was at a time. Of a failure it says the code: messages may hold what functions work with. */
  end({ error, at }: { readonly error?: unknown; readonly at?: number } = {}): void {
    if (error !== undefined) {
      const type = typeOf(error)
      this.#span.setAttribute('error.type', type)
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: type })
    }
    try {
      this.#span.end(at)
    } catch {
      // No call fails of a processor that does.
    }
  }
}

function typeOf(error: unknown): string {
  if (error instanceof PlatformError) return error.code
  if (!(error instanceof Error)) return 'Error'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** `undefined` when the SDK throws, or a sampler, processor or exporter that the host application has given it: no call fails of that. */
function startSpan({ name, kind, attributes = {}, startedAt }: SpanSubject, parent: Context): Span | undefined {
  try {
    return tracer.startSpan(name, { kind, attributes, ...(startedAt === undefined ? {} : { startTime: startedAt }) }, parent)
  } catch {
    return undefined
  }
}

/** What the host application is doing, else what the headers say. */
function parentContext(headers: Readonly<Record<string, string>>): Context {
  const active = context.active()
  const { traceparent, tracestate } = headers
  if (traceparent === undefined || trace.getSpanContext(active) !== undefined) return active
  const parsed = parseTraceParent(traceparent)
  if (parsed === undefined) return active
  const { traceId, spanId, isSampled } = parsed
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  const traceState = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }
  return trace.setSpanContext(active, { traceId, spanId, traceFlags, isRemote: true, ...traceState })
}
