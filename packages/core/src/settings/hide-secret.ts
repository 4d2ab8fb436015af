import type { ListedOption } from '@cordon/contracts'

const hidden = '***'
/** Options of these names hold secrets, whether their row says so or not. */
const secretName = /(?:key|secret|token|password)$/i
/** Parameters of a database URL that are worth reading and tell nothing. */
const openParameters = new Set(['sslmode', 'application_name', 'connect_timeout'])

/** The value of an option as it may be shown: of a URL what is not secret, of other secrets that there is one. */
export function hideSecret({ path, row }: Pick<ListedOption, 'path' | 'row'>, value: unknown): unknown {
  if (value === undefined || (row.isSecret !== true && !secretName.test(path))) return value
  return typeof value === 'string' && /^\w+:\/\//.test(value) ? hideInUrl(value) : hidden
}

/** Works on text: what a driver takes for a URL is more than `URL` can read, several hosts for one. */
function hideInUrl(url: string): string {
  return url
    .replace(/^(\w+:\/\/[^:@/?#]*):.*@/s, `$1:${hidden}@`)
    .replaceAll(/([?&])([^=&#]*)=([^&#]*)/g, (whole, mark: string, name: string) => (openParameters.has(name) ? whole : `${mark}${name}=${hidden}`))
}
