/** Ports that a host without one stands for: those of http and https. */
const defaultPort = /:(?:80|443)$/
/** Longest host in characters: a DNS name (RFC 1035: 253) and a port. */
const maxLength = 260

/**
 * Spells a host in its one way: lower case, international names in ASCII, addresses in their usual form, no default port. `*.` before a
 * name stands for every name below it, and `*` for every host. `undefined` for what is no host, such as a whole URL.
 */
export function normaliseHost(given: string): string | undefined {
  if (given === '*') return given
  const wildcard = given.startsWith('*.') ? '*.' : ''
  const rest = given.slice(wildcard.length)
  if (rest.length > maxLength || !/^[^\s/?#@\\*%]+$/.test(rest)) return undefined
  try {
    const host = new URL(`http://${rest}`).host.replace(defaultPort, '').replace(/\.(?=$|:)/, '')
    if (host === '' || host.length > maxLength || (wildcard !== '' && isAddress(host))) return undefined
    return `${wildcard}${host}`
  } catch {
    return undefined
  }
}

function isAddress(host: string): boolean {
  return host.startsWith('[') || /^[\d.]+(?::\d+)?$/.test(host)
}
