import { integer, type OptionTable } from './check.ts'

/** How the calls of all functions share one host. What one function may use is in `limits`. */
export interface SchedulingOptions {
  /** Sandboxes that may exist at once, spares included: the host's limit. About 10 MB of memory each at least. @default 64 */
  readonly maxSandboxes: number
  /** Invocations of one tenant that may run at once, those that wait for a sandbox included. @default 1000 */
  readonly tenantConcurrency: number
  /** Invocations of all tenants that may wait at once, whatever they wait for; the newest of who has most is refused first. @default 10000 */
  readonly maxWaiting: number
  /** Booted sandboxes without code that are kept ready. @default 1 */
  readonly spares: number
  /** Time without a call after which a warm sandbox is let go, in milliseconds. @default 300000 */
  readonly idleMs: number
}

/** Defaults and checks of the scheduling options. Described in docs/reference/platform-options.md. */
export const schedulingTable: OptionTable<SchedulingOptions> = {
  maxSandboxes: integer(64, { min: 1, max: 10_000 }),
  tenantConcurrency: integer(1000, { min: 1, max: 1_000_000 }),
  maxWaiting: integer(10_000, { min: 1, max: 1_000_000 }),
  spares: integer(1, { min: 0, max: 1000 }),
  idleMs: integer(300_000, { min: 1, max: 2_147_483_647 }),
}
