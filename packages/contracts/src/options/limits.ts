import { flag, integer, type OptionTable } from './check.ts'

/** The limits of one function. Every one can be lowered or raised by the host; a function's `config` may set some of them. */
export interface Limits {
  /** Longest run of one invocation in milliseconds, from dispatch to outcome. @default 5000 */
  readonly timeoutMs: number
  /** Longest time to load (import) the code in milliseconds. @default 5000 */
  readonly loadTimeoutMs: number
  /** Memory of one sandbox above what an idle one uses, in MiB: heap, buffers and WebAssembly together. @default 128 */
  readonly memoryMb: number
  /** Invocations of one function that may run at once. @default 10 */
  readonly concurrency: number
  /** Invocations that one sandbox may run at once. @default 1 */
  readonly instanceConcurrency: number
  /** Whether a sandbox runs further invocations after the first. `false` gives each its own, and overrides `instanceConcurrency`. @default true */
  readonly reuse: boolean
  /** Invocations of one function that may wait. @default 1000 */
  readonly queueLength: number
  /** Longest wait in the queue in milliseconds. @default 5000 */
  readonly queueMs: number
  /** Largest request payload in bytes. @default 6000000 */
  readonly payloadBytes: number
  /** Largest output of a JSON function in bytes. A streamed response has no such limit. @default 6000000 */
  readonly outputBytes: number
  /** Log bytes kept per invocation; the middle is dropped first. @default 256000 */
  readonly logBytes: number
}

/** Longest timer that Node can hold, in milliseconds. */
const maxTimerMs = 2_147_483_647
/** A frame carries its length in 32 bits; payloads stay well below that. */
const maxPayloadBytes = 256_000_000

/** Defaults and checks of the limits. Described in docs/reference/platform-options.md. */
export const limitTable: OptionTable<Limits> = {
  timeoutMs: integer(5000, { min: 1, max: maxTimerMs }),
  loadTimeoutMs: integer(5000, { min: 1, max: maxTimerMs }),
  memoryMb: integer(128, { min: 16, max: 16_384 }),
  concurrency: integer(10, { min: 1, max: 10_000 }),
  instanceConcurrency: integer(1, { min: 1, max: 1000 }),
  reuse: flag(true),
  queueLength: integer(1000, { min: 0, max: 1_000_000 }),
  queueMs: integer(5000, { min: 0, max: maxTimerMs }),
  payloadBytes: integer(6_000_000, { min: 0, max: maxPayloadBytes }),
  outputBytes: integer(6_000_000, { min: 0, max: maxPayloadBytes }),
  logBytes: integer(256_000, { min: 0, max: maxPayloadBytes }),
}
