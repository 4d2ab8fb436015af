import { isIP, isIPv6 } from 'node:net'

/** Where a request seems to come from. */
export interface AddressFacts {
  /** `X-Forwarded-For`, to whose end every proxy adds whom it heard. */
  readonly forwardedFor: string | null | undefined
  /** The other end of the connection, where it is known. */
  readonly socketAddress: string | undefined
  /** How many proxies in front are one's own. */
  readonly trustProxy: number
}

/** The address of the client: of those that proxies have written down, the first that none of one's own did. `undefined` when nobody knows. */
export function clientAddressOf({ forwardedFor, socketAddress, trustProxy }: AddressFacts): string | undefined {
  if (trustProxy === 0 || forwardedFor === null || forwardedFor === undefined) return socketAddress
  const forwarded = forwardedFor.split(',').map((one) => withoutPort(one.trim()))
  // From the end: what stands before the entries of one's own proxies is what the client says.
  const chain = [socketAddress, ...forwarded.toReversed()]
  const address = chain[Math.min(trustProxy, chain.length - 1)]
  return address !== undefined && isIP(address) !== 0 ? address : socketAddress
}

/** What is counted for an address: one client of IPv6 has a whole /64 network (RFC 6177), and more addresses than can be counted. */
export function networkOf(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!isIPv6(bare)) return bare
  // URLs spell an address in its one way, with "::" at most once.
  const [head = '', tail = ''] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::')
  const start = head === '' ? [] : head.split(':')
  const end = tail === '' ? [] : tail.split(':')
  const groups = [...start, ...Array<string>(8 - start.length - end.length).fill('0'), ...end]
  return `${groups.slice(0, 4).join(':')}::/64`
}

/** Some proxies write `203.0.113.7:51234` and `[2001:db8::1]:51234`. */
function withoutPort(entry: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry)?.[1] ?? entry
}
