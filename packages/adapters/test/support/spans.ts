import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SamplingDecision, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** The SDK of OpenTelemetry in this process. */
export interface Spans {
  /** What has ended, in that order. */
  ended(): readonly ReadableSpan[]
  /** Has the sampler throw until it is called again. */
  breakSampler(isBroken: boolean): void
  /** Ends the sampling: the SDK itself cannot be taken out of the process again. */
  stop(): void
}

/** Installs the SDK, as a host application does when it starts. */
export function installSdk(): Spans {
  let isOn = true
  let isBroken = false
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    sampler: {
      shouldSample() {
        if (isBroken) throw new Error('no sampling today')
        return { decision: isOn ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD }
      },
      toString: () => 'while the test runs',
    },
  })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return {
    ended: () => exporter.getFinishedSpans(),
    breakSampler: (given) => (isBroken = given),
    stop() {
      isOn = false
      exporter.reset()
    },
  }
}
