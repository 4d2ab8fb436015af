import type * as prometheusModule from 'prom-client'
import type { Counter, Gauge, Registry } from 'prom-client'
import { histogramMetrics, valueMetrics, type HistogramMetric, type Snapshot } from './metric-table.ts'

type Prometheus = typeof prometheusModule

/** Gauges of prom-client that are named like counters, which promtool refuses; what they say is elsewhere by other names. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** Those of Node itself belong to the process, whatever number of platforms it has. Measured from the first time they are read. */
let ofNode: Registry | undefined

/** The metrics of one platform in the text format of Prometheus, in a registry of its own. Nothing is loaded until they are read. */
export class Metrics {
  readonly #look: () => Promise<Snapshot>
  #writer: Promise<(now: Snapshot) => Promise<string>> | undefined
  /** One reading at a time, however many ask. */
  #reading: Promise<string> | undefined

  /** `look` says what there is to tell now. */
  constructor(look: () => Promise<Snapshot>) {
    this.#look = look
  }

  text(): Promise<string> {
    return (this.#reading ??= this.#read().finally(() => (this.#reading = undefined)))
  }

  async #read(): Promise<string> {
    this.#writer ??= createWriter()
    const [write, now] = await Promise.all([this.#writer, this.#look()])
    return write(now)
  }
}

async function createWriter(): Promise<(now: Snapshot) => Promise<string>> {
  const prometheus = await import('prom-client')
  const registry = new prometheus.Registry()
  const histograms = histogramMetrics.map((one) => new Filled(prometheus, registry, one))
  const values = valueMetrics.map(({ name, help, type, labels, read }) => {
    const configuration = { name, help, labelNames: labels, registers: [registry] }
    const metric: Counter | Gauge = type === 'counter' ? new prometheus.Counter(configuration) : new prometheus.Gauge(configuration)
    return { metric, read, isLabelled: labels.length > 0 }
  })
  ofNode ??= nodeRegistry(prometheus)
  const node = ofNode
  return async (now) => {
    for (const { metric, read, isLabelled } of values) {
      metric.reset()
      const samples = read(now)
      // A metric without labels is 0 from the beginning; one that says nothing has no value.
      if (samples.length === 0 && !isLabelled) metric.remove()
      for (const { labels, value } of samples) metric.inc(labels, value)
    }
    for (const one of histograms) one.now = now
    return `${await registry.metrics()}\n${await node.metrics()}`
  }
}

function nodeRegistry(prometheus: Prometheus): Registry {
  const registry = new prometheus.Registry()
  prometheus.collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  return registry
}

/** A histogram whose buckets were counted elsewhere: that of prom-client takes one value after the other. */
class Filled {
  now: Snapshot | undefined

  constructor(prometheus: Prometheus, registry: Registry, { name, help, read }: HistogramMetric) {
    const histogram = new prometheus.Histogram({ name, help, registers: [registry] })
    const get = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: this.#values(name, read) })
    // The second is what the registry prefers.
    Object.assign(histogram, { get, getForPromString: get })
  }

  #values(name: string, read: HistogramMetric['read']) {
    if (this.now === undefined) return []
    const { bounds, counts, sumSeconds } = read(this.now.meters)
    let count = 0
    const buckets = counts.map((inBucket, index) => {
      count += inBucket
      return { metricName: `${name}_bucket`, labels: { le: bounds[index] ?? '+Inf' }, value: count }
    })
    return [...buckets, { metricName: `${name}_sum`, labels: {}, value: sumSeconds }, { metricName: `${name}_count`, labels: {}, value: count }]
  }
}
