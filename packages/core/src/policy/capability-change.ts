import type { Capability, CapabilityChange, Manifest } from '@cordon/contracts'

/** The rights that a manifest grants, sorted by kind and name. Built-ins and environment values are none: they reach nothing. */
export function capabilitiesOf(manifest: Manifest): readonly Capability[] {
  const { database, functions, net, packages, secrets } = manifest
  return [
    ...(database ? [{ kind: 'database', name: 'ctx.db' } as const] : []),
    ...named('function', functions),
    ...named('net', net),
    // A package that is there in two versions is one right.
    ...named('package', [...new Set(packages.map(({ name }) => name))]),
    ...named('secret', secrets),
  ]
}

/** What becomes and ceases to be granted when one manifest takes the place of another; `undefined` is no version at all. */
export function capabilityChange(before: Manifest | undefined, after: Manifest | undefined): CapabilityChange {
  const old = before === undefined ? [] : capabilitiesOf(before)
  const now = after === undefined ? [] : capabilitiesOf(after)
  return { added: without(now, old), removed: without(old, now) }
}

/** One text for each capability. */
export function capabilityKey({ kind, name }: Capability): string {
  return `${kind} ${name}`
}

function named(kind: Capability['kind'], names: readonly string[]): readonly Capability[] {
  return names.toSorted().map((name) => ({ kind, name }))
}

function without(list: readonly Capability[], others: readonly Capability[]): readonly Capability[] {
  const known = new Set(others.map(capabilityKey))
  return list.filter((one) => !known.has(capabilityKey(one)))
}
