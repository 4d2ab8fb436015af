import { invalidOption, PlatformError, type Access, type Authenticate, type Platform, type User } from '@cordon/contracts'
import type { RequestNotes } from '../observe/request-watch.ts'
import type { Visit } from '../guard/rate-limits.ts'

/** On whose behalf a request is served. */
export interface Served {
  readonly platform: Platform
  readonly user: User | undefined
  /** Id of the tenant that `authenticate` named. */
  readonly tenant: string | undefined
}

/** What is known of a request besides itself. */
export interface Asked {
  /** URL as the client sent it. */
  readonly originalUrl: string
  /** Counts it against the limits of requests; `undefined` when there are none. */
  readonly visit: Visit | undefined
  /** What a line about the request will say. */
  readonly notes?: RequestNotes | undefined
}

/** A caller of functions. */
export interface FunctionCaller extends Served {
  /** Whether functions of this access level answer the caller. */
  mayCall(access: Access): boolean
  /** @throws PlatformError UNAUTHENTICATED, FORBIDDEN when they do not */
  admit(name: string, access: Access): void
  /** Counts a call against the limit of requests of the function. @throws PlatformError OVERLOADED */
  countCall(name: string): Promise<void>
}

/** Who may do what over HTTP: the `authenticate` function of the host and the access level of a function. */
export interface Gate {
  /** The owner's API. @throws PlatformError UNAUTHENTICATED */
  forApi(request: Request): Promise<Served>
  /**
   * The public face of functions; `admit` is asked once the function is known.
   *
   * @throws PlatformError OVERLOADED when the tenant has had its requests
   */
  forFunction(request: Request, visit: Visit | undefined): Promise<FunctionCaller>
}

/** Tenants whose handle is kept, those of the latest requests: what is learned of their functions hangs on it. */
const maxHandles = 1000

/** `authenticate` is given requests that may not be real ones yet. Without it, everybody is the owner of the `default` tenant: the embedder's own middleware stands in front. */
export function createGate(platform: Platform, authenticate: Authenticate | undefined): Gate {
  const handles = new Map<string, Platform>()
  function handleOf(tenant: string): Platform {
    const handle = handles.get(tenant) ?? platform.tenant(tenant)
    handles.delete(tenant)
    handles.set(tenant, handle)
    const oldest = handles.keys().next()
    if (handles.size > maxHandles && oldest.done !== true) handles.delete(oldest.value)
    return handle
  }
  async function identify(request: Request): Promise<Served | null> {
    if (authenticate === undefined) return { platform, user: undefined, tenant: undefined }
    const caller = await authenticate(request)
    if (caller === null) return null
    return { platform: caller.tenant === undefined ? platform : handleOf(caller.tenant), user: caller.user, tenant: caller.tenant }
  }
  return {
    async forApi(request) {
      const served = await identify(request)
      if (served === null) throw new PlatformError('UNAUTHENTICATED', 'Cannot use the API: the request has no valid credentials')
      return served
    },
    async forFunction(request, visit) {
      const served = await identify(request)
      const tenant = served?.tenant
      // Strangers have a limit of their own: else they could use up that of a tenant. No id of a tenant has a line break.
      if (visit !== undefined) await visit.count('tenant', served === null ? '\nstrangers' : (tenant ?? ''))
      const isKnown = authenticate !== undefined && served !== null
      return {
        platform: served?.platform ?? platform,
        user: served?.user,
        tenant,
        mayCall: (access) => access === 'public' || (access === 'authenticated' && isKnown),
        admit: (name, access) => admit(name, access, { isKnown, canKnow: authenticate !== undefined }),
        countCall: async (name) => visit?.count('function', `${tenant ?? ''}\n${name}`),
      }
    },
  }
}

function admit(name: string, access: Access, caller: { isKnown: boolean; canKnow: boolean }): void {
  switch (access) {
    case 'public':
      return
    case 'internal':
      throw new PlatformError('FORBIDDEN', `Cannot call function "${name}" over HTTP: its access is 'internal', so only the host itself calls it`)
    case 'authenticated':
      if (caller.isKnown) return
      throw new PlatformError(
        'UNAUTHENTICATED',
        caller.canKnow
          ? `Cannot call function "${name}": its access is 'authenticated' and the request has no valid credentials`
          : `Cannot call function "${name}": its access is 'authenticated' and the host has no authenticate option`,
      )
    default:
      throw invalidOption('access', "'public', 'authenticated' or 'internal'", access)
  }
}
