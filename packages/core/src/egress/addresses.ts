import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * IPv4 that is not public: IANA's registry of special-purpose addresses, multicast, the reserved upper sixteenth with broadcast, and the address at which
 * machines of one cloud find their metadata besides 169.254.169.254.
 */
const refusedV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/**
 * Of IPv6 only global unicast is public (2000::/3, RFC 4291), which leaves out loopback, mapped and translated IPv4, unique local, link-local and
 * multicast; within it not what embeds IPv4 or is reserved: Teredo and its neighbours, 6to4, documentation.
 */
const publicV6 = '2000::/3'
const refusedV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

const refused = new BlockList()
const global = new BlockList()
for (const range of refusedV4) add(refused, range, 'ipv4')
for (const range of refusedV6) add(refused, range, 'ipv6')
add(global, publicV6, 'ipv6')

function add(list: BlockList, range: string, family: 'ipv4' | 'ipv6'): void {
  const [address = '', prefix] = range.split('/')
  list.addSubnet(address, Number(prefix), family)
}

/** Whether an address is one of this machine's, as far as it knows: a cloud may translate one that it does not. */
export function isOwnAddress(address: string): boolean {
  const own = new BlockList()
  for (const list of Object.values(networkInterfaces()))
    for (const { address: one, family } of list ?? []) own.addAddress(one, family === 'IPv4' ? 'ipv4' : 'ipv6')
  return own.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

/** Whether an address is one that anybody on the internet may reach. Anything that is not an address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !refused.check(address, 'ipv4')
  // A zone makes it an address of this machine's own network.
  return family === 6 && !address.includes('%') && global.check(address, 'ipv6') && !refused.check(address, 'ipv6')
}
