import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { hostRuleId, isRecord, reasonOf, type AnalyzerOptions } from '@cordon/contracts'
import type { Rule, RuleContext } from './rule.ts'

/** Rules of a host that cannot be used: the host's mistake, not that of an upload. */
export class HostRuleProblem extends Error {}

/**
 * Loads the modules of `analyzer.ruleModules`: each exports `rules`, a list of `Rule`. A module is loaded once in the life of an
 * analyzer process. Every rule of a host that a severity is given for has to exist; ids of ours were checked as options.
 *
 * @throws HostRuleProblem
 */
export async function loadHostRules({ ruleModules, rules: severities }: AnalyzerOptions): Promise<readonly Rule[]> {
  const found: Rule[] = []
  for (const specifier of ruleModules) {
    for (const rule of await loadModule(specifier)) {
      if (found.some(({ id }) => id === rule.id)) throw new HostRuleProblem(`two rules have the id "${rule.id}"`)
      found.push(rule)
    }
  }
  const unknown = Object.keys(severities).find((id) => hostRuleId.test(id) && !found.some((rule) => rule.id === id))
  if (unknown !== undefined) throw new HostRuleProblem(`analyzer.rules names "${unknown}", and no module of analyzer.ruleModules has such a rule`)
  return found
}

/** Whether a rule came from a module of the host. */
export function isHostRule({ id }: Rule): boolean {
  return hostRuleId.test(id)
}

/** Runs a rule of a host; what it throws is told, and refuses the deployment: a check that failed has found nothing out. */
export function attemptHostRule(rule: Rule, context: RuleContext): string | undefined {
  try {
    rule.check(context)
    return undefined
  } catch (error) {
    return `The rule could not be checked (${reasonOf(error)}). Ask whoever runs this platform to correct it.`
  }
}

async function loadModule(specifier: string): Promise<readonly Rule[]> {
  let module: unknown
  try {
    module = await import(isAbsolute(specifier) ? pathToFileURL(specifier).href : specifier)
  } catch (error) {
    throw new HostRuleProblem(`"${specifier}" cannot be loaded (${reasonOf(error)})`)
  }
  const rules: unknown = typeof module === 'object' && module !== null && 'rules' in module ? module.rules : undefined
  if (!Array.isArray(rules)) throw new HostRuleProblem(`"${specifier}" does not export a list with the name "rules"`)
  return rules.map((rule: unknown, index) => {
    if (isRule(rule)) return rule
    throw new HostRuleProblem(
      `rule ${index + 1} of "${specifier}" is none: expected an id such as "acme/no-dates", severity "error" or "warn", summary and check`,
    )
  })
}

function isRule(rule: unknown): rule is Rule {
  return (
    isRecord(rule) &&
    typeof rule['id'] === 'string' &&
    hostRuleId.test(rule['id']) &&
    (rule['severity'] === 'error' || rule['severity'] === 'warn') &&
    typeof rule['summary'] === 'string' &&
    typeof rule['check'] === 'function'
  )
}
