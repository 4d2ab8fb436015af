import { choice, integer, type OptionTable } from './check.ts'

/** What becomes of the records of invocations: their outcome and their logs. */
export interface RecordOptions {
  /**
   * When they are written. `behind`: in batches behind the calls; a host that is killed loses those of its last 200 ms and of the batch that was on its way.
   * `durable`: `invoke` and `invokeJson` resolve only after theirs are in the database; STORE_UNAVAILABLE when that fails. `off`: never, and usage is not counted.
   *
   * @default 'behind'
   */
  readonly write: 'behind' | 'durable' | 'off'
  /** Days that are kept besides today, by UTC; older ones are dropped. @default 30 */
  readonly keepDays: number
  /** Size on disk in MiB, indexes included, above which the oldest days are dropped; today stays. @default 4096 */
  readonly keepMb: number
}

/** Defaults and checks of the record options. Described in docs/reference/platform-options.md. */
export const recordTable: OptionTable<RecordOptions> = {
  write: choice(['behind', 'durable', 'off'], () => 'behind'),
  keepDays: integer(30, { min: 0, max: 36_500 }),
  keepMb: integer(4096, { min: 1, max: 1_000_000_000 }),
}
