import type { FunctionTally } from './meters.ts'

/** A function with what it did. */
export interface CountedFunction {
  readonly tenant: string
  readonly name: string
  readonly tally: FunctionTally
}

/**
 * The functions that were called most. Counted since they were put into memory, so that the list changes slowly. One pass: tens of thousands are looked at
 * whenever the metrics are read.
 */
export function busiest(functions: Iterable<CountedFunction>, most: number): readonly CountedFunction[] {
  let kept: CountedFunction[] = []
  let floor = 0
  for (const one of functions) {
    if (callsOf(one) <= floor) continue
    kept.push(one)
    // Sorted once for each `most` that came in.
    if (kept.length < most * 2) continue
    kept = topOf(kept, most)
    const last = kept.at(-1)
    floor = last === undefined ? Infinity : callsOf(last)
  }
  return topOf(kept, most)
}

function topOf(list: readonly CountedFunction[], most: number): CountedFunction[] {
  return list.toSorted((a, b) => callsOf(b) - callsOf(a)).slice(0, most)
}

function callsOf({ tally }: CountedFunction): number {
  return tally.successes + tally.failures
}
