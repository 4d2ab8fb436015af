import { PlatformError } from '@cordon/contracts'

/** The same error with the name of the tenant, which people know instead of that of its schema. */
export function ofTenant(error: unknown, tenant: string): unknown {
  if (!(error instanceof PlatformError) || error.message.includes(`tenant "${tenant}"`)) return error
  const { code, message, details, cause } = error
  return new PlatformError(
    code,
    message.replace(/^Cannot [^:]*/, (act) => `${act} of tenant "${tenant}"`),
    { details, cause },
  )
}
