import type { Capability } from '@cordon/contracts'

/** Whether one pattern of a list in `allow` lets a capability through. */
export function covers(pattern: string, { kind, name }: Capability): boolean {
  if (pattern === '*' || pattern === name) return true
  // `*.example.com` is every name below it, and so is a function's own `*.a.example.com`; a port is part of both.
  if (kind === 'net') return pattern.startsWith('*.') && name.endsWith(pattern.slice(1))
  return pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))
}
