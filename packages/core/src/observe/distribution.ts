/** How values spread over buckets: what a Prometheus histogram says. Adding is a few comparisons, because every call does it. */
export class Distribution {
  /** Upper bounds of the buckets, included, in seconds; one more bucket holds what is above. */
  readonly bounds: readonly number[]
  /** By bucket, not added up. */
  readonly counts: number[]
  sumSeconds = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  add(ms: number): void {
    const seconds = ms / 1000
    let at = 0
    while (at < this.bounds.length && seconds > (this.bounds[at] ?? Infinity)) at++
    this.counts[at] = (this.counts[at] ?? 0) + 1
    this.sumSeconds += seconds
  }
}
