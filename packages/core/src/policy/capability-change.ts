import { secretsIn, type Capability, type CapabilityChange, type Manifest } from '@cordon/contracts'

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
    ...sentSecrets(manifest),
  ]
}

/** What becomes and ceases to be granted when one manifest takes the place of another; `undefined` is no version at all. */
export function capabilityChange(before: Manifest | undefined, after: Manifest | undefined): CapabilityChange {
  const old = before === undefined ? [] : capabilitiesOf(before)
  const now = after === undefined ? [] : capabilitiesOf(after)
  return { added: without(now, old), removed: without(old, now) }
}

/** One text for each capability. */
export function capabilityKey({ kind, name, sentTo }: Capability): string {
  return keyOfParts(kind, name, sentTo)
}

/** The same of what may be no capability. */
export function keyOfParts(kind: string, name: string, sentTo?: string): string {
  return sentTo === undefined ? `${kind} ${name}` : `${kind} ${name} sent to ${sentTo}`
}

function named(kind: Capability['kind'], names: readonly string[]): readonly Capability[] {
  return names.toSorted().map((name) => ({ kind, name }))
}

/** Each secret once for each host that it is sent to. */
function sentSecrets({ config }: Manifest): readonly Capability[] {
  const found = new Map<string, Capability>()
  for (const [sentTo, headers] of Object.entries(config.secretHeaders ?? {})) {
    for (const name of Object.values(headers).flatMap((value) => secretsIn(value) ?? [])) {
      const capability = { kind: 'secret', name, sentTo } as const
      found.set(capabilityKey(capability), capability)
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, capability]) => capability)
}

function without(list: readonly Capability[], others: readonly Capability[]): readonly Capability[] {
  const known = new Set(others.map(capabilityKey))
  return list.filter((one) => !known.has(capabilityKey(one)))
}
