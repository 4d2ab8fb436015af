import type { AllowRules, Limits } from '@cordon/contracts'

/** The most that `config` gets of the limits that cost the host something. */
export type LimitCeilings = Pick<Limits, 'timeoutMs' | 'memoryMb'>

/** What `allow.limits` says, else the limits of the host. */
export function limitCeilings({ limits: allowed }: AllowRules, limits: Limits): LimitCeilings {
  return { timeoutMs: allowed.timeoutMs ?? limits.timeoutMs, memoryMb: allowed.memoryMb ?? limits.memoryMb }
}
