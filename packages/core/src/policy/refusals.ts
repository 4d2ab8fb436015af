import type { Capability, CapabilityUse, Diagnostic } from '@cordon/contracts'
import { printable } from '../deploy/printable.ts'
import { capabilityKey } from './capability-change.ts'

/** How each kind is called, the list in `allow` that decides about it, and what else its author can do. */
const kinds: Readonly<Record<Capability['kind'], { readonly what: string; readonly list: string; readonly without: string }>> = {
  database: {
    what: 'The database',
    list: 'database',
    without: 'Do without ctx.db, and say `database: false` in config when the code only looks as if it used it',
  },
  net: { what: 'The network host', list: 'net', without: 'Do without it' },
  secret: { what: 'The secret', list: 'secrets', without: 'Do without it' },
  function: { what: 'Calling the function', list: 'functions', without: 'Do without it' },
  package: { what: 'The package', list: 'packages', without: 'Do without it' },
}

/** The lists do not let a capability through. */
export function notAllowed(capability: Capability, uses: readonly CapabilityUse[]): Diagnostic {
  const { list, without } = kinds[capability.kind]
  return refusal(capability, uses, `is not allowed here. ${without}, or ask whoever runs the platform to add it to allow.${list}.`)
}

/** `approve` said no. */
export function notApproved(capability: Capability, uses: readonly CapabilityUse[]): Diagnostic {
  return refusal(capability, uses, `was not approved. ${kinds[capability.kind].without}, or ask whoever runs the platform to approve it.`)
}

/** Who deploys did not approve it: it is not in `approved`. */
export function notYetApproved(capability: Capability, uses: readonly CapabilityUse[]): Diagnostic {
  return refusal(capability, uses, `is new and was not approved. ${kinds[capability.kind].without}, or approve it.`)
}

/** `approve` said nothing that can be used; why is for the host to know, not for who deploys. */
export function notDecided(capability: Capability, uses: readonly CapabilityUse[]): Diagnostic {
  return refusal(capability, uses, 'could not be approved: the policy of the platform gave no answer. Try again, or tell whoever runs the platform.')
}

/** `config` asks for more of a limit than it may. */
export function limitAbove(name: string, asked: number, most: number, isRefused: boolean): Diagnostic {
  const what = `config.${name} is ${asked}, and at most ${most} is allowed here`
  const message = isRefused
    ? `${what}. Lower it, or ask whoever runs the platform to raise allow.limits.${name}.`
    : `${what}, so the function gets ${most}. Lower it, or ask whoever runs the platform to set allow.limits.${name}.`
  return { rule: 'policy', severity: isRefused ? 'error' : 'warn', message, file: '', line: 0, column: 0, frame: '' }
}

function refusal(capability: Capability, uses: readonly CapabilityUse[], state: string): Diagnostic {
  const key = capabilityKey(capability)
  const { file, line, column, frame } = uses.find((use) => capabilityKey(use) === key) ?? { file: '', line: 0, column: 0, frame: '' }
  const { what } = kinds[capability.kind]
  const named = capability.kind === 'database' ? what : `${what} "${printable(capability.name)}"`
  const shown = capability.sentTo === undefined ? named : `${named} in a header to "${printable(capability.sentTo)}"`
  return { rule: 'policy', severity: 'error', message: `${shown} ${state}`, file, line, column, frame }
}
