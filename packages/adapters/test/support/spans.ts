import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SamplingDecision, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** The SDK of OpenTelemetry in this process. */
export interface Spans {
  /** What has ended, in that order. */
  ended(): readonly ReadableSpan[]
  /** Ends the sampling: the SDK itself cannot be taken out of the process again. */
  stop(): void
}

/** Installs the SDK, as a host application does when it starts. */
export function installSdk(): Spans {
  let isOn = true
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    sampler: {
      shouldSample: () => ({ decision: isOn ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD }),
      toString: () => 'while the test runs',
    },
  })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return {
    ended: () => exporter.getFinishedSpans(),
    stop() {
      isOn = false
      exporter.reset()
    },
  }
}
