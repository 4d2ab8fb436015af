import type { AllowOptions, AllowRules } from '@cordon/contracts'

/** The rules for one tenant: its own, and the general ones where it has none. */
export function allowRulesOf({ tenants, ...general }: AllowOptions, tenant: string): AllowRules {
  return Object.hasOwn(tenants, tenant) ? { ...general, ...tenants[tenant] } : general
}
