import { invalidOption, isRecord, readGiven, type Analysis, type Capability, type CapabilityChange, type PlatformError } from '@cordon/contracts'
import { refuseCode } from '../deploy/rejected.ts'
import { capabilityKey, keyOfParts } from './capability-change.ts'
import { notYetApproved } from './refusals.ts'

/** What stands in the option `approved` of a deployment, by key; `undefined` when it is left out. @throws PlatformError INVALID_OPTION */
export function readApproved(given: unknown): ReadonlySet<string> | undefined {
  if (given === undefined) return undefined
  const expected = 'a list of { kind, name }, as a refusal has them in details.capabilities.added'
  const keys = readGiven('approved', () => (Array.isArray(given) ? given.map((one: unknown) => keyOf(one)) : undefined))
  if (keys === undefined) throw invalidOption('approved', expected, given)
  const known = keys.filter((key) => key !== undefined)
  if (known.length < keys.length) throw invalidOption('approved', expected, 'something else in it')
  return new Set(known)
}

function keyOf(one: unknown): string | undefined {
  if (!isRecord(one)) return undefined
  const { kind, name, sentTo } = one
  if (typeof kind !== 'string' || typeof name !== 'string') return undefined
  // What kinds there are does not matter: one that nobody knows approves nothing.
  if (sentTo === undefined) return keyOfParts(kind, name)
  return typeof sentTo === 'string' ? keyOfParts(kind, name, sentTo) : undefined
}

/** The refusal of a deployment that needs more than was approved; `undefined` when it does not. */
export function refuseGrowth(
  name: string,
  analysis: Analysis,
  { change, approved }: { change: CapabilityChange; approved: ReadonlySet<string> },
): PlatformError | undefined {
  const beyond: readonly Capability[] = change.added.filter((one) => !approved.has(capabilityKey(one)))
  if (beyond.length === 0) return undefined
  const found = beyond.map((one) => notYetApproved(one, analysis.uses))
  return refuseCode(name, [...analysis.diagnostics, ...found], change)
}
