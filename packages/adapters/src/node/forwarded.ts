import type { IncomingMessage } from 'node:http'
import { clientAddressOf } from '../guard/client-address.ts'
import type { RequestChanges } from './to-request.ts'

/** Who sent a request, and by which scheme, as the proxies say that the host trusts. */
export function forwardedChanges(incoming: IncomingMessage, trustProxy: number): RequestChanges {
  const clientAddress = () =>
    clientAddressOf({ forwardedFor: textOf(incoming.headers['x-forwarded-for']), socketAddress: incoming.socket.remoteAddress, trustProxy })
  return trustProxy === 0 ? { clientAddress } : { clientAddress, protocol: protocolOf(textOf(incoming.headers['x-forwarded-proto']), trustProxy) }
}

/** Some proxies add to the list, like to that of addresses; most write only what they saw themselves. */
function protocolOf(forwarded: string | undefined, trustProxy: number): string | undefined {
  const list = forwarded?.split(',').map((one) => one.trim().toLowerCase()) ?? []
  const scheme = list.at(-trustProxy) ?? list[0]
  return scheme === 'http' || scheme === 'https' ? scheme : undefined
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(',')
}
