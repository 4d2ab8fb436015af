import { lookup as lookupName } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { normaliseHost, PlatformError } from '@cordon/contracts'
import type { buildConnector } from 'undici'
import { covers } from '../policy/covers.ts'
import { isOwnAddress, isPublicAddress } from './addresses.ts'
import { lookupsInTurn, type Lookup } from './lookups-in-turn.ts'

/** Most connections of one tenant at once: each is a descriptor of the host, also while it waits for the next request. */
const maxConnections = 256

/** Who makes connections, and which hosts may be anywhere. */
export interface ConnectorOptions {
  readonly allowPrivate: readonly string[]
  /** @default that of Node */
  readonly lookup?: Lookup | undefined
}

/**
 * Makes connections to public addresses only. The addresses of a name are found once for each connection, all of them are checked, and these very
 * ones are connected to: what the name leads to a moment later does not matter.
 */
export function createConnector(build: typeof buildConnector, { allowPrivate, lookup = lookupName }: ConnectorOptions): buildConnector.connector {
  const find = lookupsInTurn(lookup)
  const free = build({ lookup: allOrNone(find, () => true) })
  const guarded = build({ lookup: allOrNone(find, isAnybodys) })
  let connections = 0
  return (options, settle) => {
    if (connections >= maxConnections) return settle(tooMany(), null)
    connections += 1
    const done: buildConnector.Callback = (...[error, socket]) => {
      if (error === null) {
        socket.once('close', () => (connections -= 1))
        settle(null, socket)
      } else {
        connections -= 1
        settle(error, null)
      }
    }
    const host = normaliseHost(options.host ?? options.hostname)
    if (host !== undefined && allowPrivate.some((pattern) => covers(pattern, { kind: 'net', name: host }))) return free(options, done)
    // No name is looked up for what is an address already.
    if (isPrivateLiteral(options.hostname)) return done(notPublic(options.hostname), null)
    return guarded(options, done)
  }
}

/** Finds the addresses of a name when all of them are allowed. */
function allOrNone(lookup: Lookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (name, options, done) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, '')
      const [first] = addresses
      // One that is not public is enough: a name that leads to both is no mistake.
      if (first === undefined || !addresses.every(({ address }) => isAllowed(address))) return done(notPublic(name), '')
      if (options.all === true) done(null, [...addresses])
      else done(null, first.address, first.family)
    })
  }
}

/** Whether a host is written as an address that is not public. */
function isPrivateLiteral(hostname: string): boolean {
  return isIP(hostname) !== 0 && !isAnybodys(hostname)
}

/** What a connection to a URL would be refused with, as far as that is known without looking a name up. */
export function refusalOf({ host, hostname }: URL, allowPrivate: readonly string[]): PlatformError | undefined {
  const name = normaliseHost(host)
  if (name !== undefined && allowPrivate.some((pattern) => covers(pattern, { kind: 'net', name }))) return undefined
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  // RFC 6761: the name of the machine itself.
  return isPrivateLiteral(bare) || /(^|\.)localhost\.?$/i.test(bare) ? notPublic(bare) : undefined
}

/** A machine with a public address reaches itself by it past every firewall in front of it. */
function isAnybodys(address: string): boolean {
  return isPublicAddress(address) && !isOwnAddress(address)
}

function tooMany(): PlatformError {
  return new PlatformError('OVERLOADED', `Cannot fetch: the tenant has ${maxConnections} connections to the outside already`, {
    details: { retryAfterMs: 1000, scope: 'tenant' },
  })
}

function notPublic(name: string): PlatformError {
  return new PlatformError(
    'CAPABILITY_DENIED',
    `Cannot fetch from "${name.slice(0, 80)}": its address is not public. Whoever runs the platform can allow it with net.allowPrivate`,
  )
}
