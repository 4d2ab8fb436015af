import {
  PlatformError,
  type AllowOptions,
  type AllowRules,
  type Analysis,
  type ApprovalRequest,
  type Capability,
  type Diagnostic,
  type Limits,
  type Manifest,
} from '@cordon/contracts'
import { allowRulesOf } from './allow-rules.ts'
import { capabilitiesOf, capabilityChange } from './capability-change.ts'
import { covers } from './covers.ts'
import { limitCeilings } from './limit-ceilings.ts'
import { limitAbove, notAllowed, notApproved, notDecided } from './refusals.ts'

/** What a policy is made from. */
export interface PolicyOptions {
  readonly allow: AllowOptions
  readonly limits: Limits
  readonly tenant: string
  /** Hears why `approve` could not be asked: the fault of the host, not of who deploys. */
  onWarning(message: string, error: PlatformError): void
}

/** What `approve` is asked about. */
export interface Approval {
  readonly name: string
  readonly analysis: Analysis
  readonly previous: Manifest | undefined
}

/** Decides what the functions of one tenant may be granted. Whatever cannot be decided is refused. */
export class Policy {
  readonly #options: PolicyOptions
  readonly #rules: AllowRules

  constructor(options: PolicyOptions) {
    this.#options = options
    this.#rules = allowRulesOf(options.allow, options.tenant)
  }

  /** Adds to an analysis what the lists and limits of `allow` say about its manifest. */
  judge(analysis: Analysis): Analysis {
    const refused = capabilitiesOf(analysis.manifest).filter((one) => !this.#isListed(one))
    const found = [...refused.map((one) => notAllowed(one, analysis.uses)), ...this.#judgeLimits(analysis.manifest)]
    if (found.length === 0) return analysis
    const ok = analysis.ok && found.every(({ severity }) => severity !== 'error')
    return { ...analysis, ok, diagnostics: [...analysis.diagnostics, ...found] }
  }

  /** Asks `approve` about each capability that the live version does not have; gives what is refused. */
  async approve({ name, analysis, previous }: Approval): Promise<readonly Diagnostic[]> {
    const { allow, tenant, onWarning } = this.#options
    const { added } = capabilityChange(previous, analysis.manifest)
    if (allow.approve === undefined || added.length === 0) return []
    const refused: Diagnostic[] = []
    const clock = startClock(allow.approveMs)
    try {
      for (const capability of added) {
        const request: ApprovalRequest = Object.freeze({ tenant, function: name, capability: Object.freeze(capability), previous })
        const answer = await clock.race(async () => allow.approve?.(request))
        if (answer === true) continue
        refused.push(answer === false ? notApproved(capability, analysis.uses) : notDecided(capability, analysis.uses))
        if (answer !== false) onWarning(...unusable(name, answer))
      }
    } finally {
      clock.stop()
    }
    return refused
  }

  #isListed(capability: Capability): boolean {
    const { database, net, secrets, functions, packages } = this.#rules
    if (capability.kind === 'database') return database
    const list = { net, secret: secrets, function: functions, package: packages }[capability.kind]
    return list.some((pattern) => covers(pattern, capability))
  }

  #judgeLimits({ config }: Manifest): Diagnostic[] {
    const most = limitCeilings(this.#rules, this.#options.limits)
    return (['timeoutMs', 'memoryMb'] as const).flatMap((name) => {
      const asked = config[name]
      if (asked === undefined || asked <= most[name]) return []
      return [limitAbove(name, asked, most[name], this.#rules.limits[name] !== undefined)]
    })
  }
}

const tooLate = Symbol('too late')

/** One span of time for several questions: what is not answered in it never is. */
function startClock(ms: number) {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<typeof tooLate>((resolve) => (timer = setTimeout(() => resolve(tooLate), ms)))
  return {
    race: (ask: () => Promise<unknown>): Promise<unknown> => Promise.race([expired, ask().catch((error: unknown) => new Failure(error))]),
    stop: () => clearTimeout(timer),
  }
}

/** What `approve` threw: it may throw anything, also `true`. */
class Failure {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

function unusable(name: string, answer: unknown): [string, PlatformError] {
  const why =
    answer === tooLate
      ? 'it did not answer in time (allow.approveMs)'
      : answer instanceof Failure
        ? 'it failed'
        : 'its answer is neither true nor false'
  const message = `Cannot use allow.approve for "${name}": ${why}`
  return [message, new PlatformError('INVALID_OPTION', message, answer instanceof Failure ? { cause: answer.error } : {})]
}
