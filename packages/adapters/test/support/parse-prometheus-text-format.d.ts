declare module 'parse-prometheus-text-format' {
  /** Metrics in the text format of Prometheus. */
  export default function parse(text: string): {
    readonly name: string
    readonly help: string
    readonly type: string
    readonly metrics: readonly {
      readonly value?: string
      readonly labels?: Readonly<Record<string, string>>
      readonly count?: string
      readonly sum?: string
      readonly buckets?: Readonly<Record<string, string>>
    }[]
  }[]
}
