import { normaliseHost } from '../host-name.ts'
import { integer, invalidOption, textList, type OptionRow, type OptionTable } from './check.ts'

/** What functions may do with `fetch`, beside the hosts that their manifests name. */
export interface NetOptions {
  /**
   * Hosts that may be at addresses which are not public, such as `localhost:8080`, `10.0.0.7` or `*.intranet.example`: written as functions write them, without a
   * port for 80 and 443. Functions still need them in their manifests. @default none
   */
  readonly allowPrivate: readonly string[]
  /** Requests of one invocation, redirects not counted. @default 100 */
  readonly requests: number
  /** Requests of one invocation that are under way at once; others wait for their turn. @default 10 */
  readonly concurrency: number
  /** Bytes of bodies that one invocation may send and receive, compressed as they come; heads and framing are not counted. @default 100000000 */
  readonly bytes: number
}

/** Defaults and checks of the options of `net`. Described in docs/reference/platform-options.md. */
export const netTable: OptionTable<NetOptions> = {
  allowPrivate: hostList(),
  requests: integer(100, { min: 0, max: 1_000_000 }),
  concurrency: integer(10, { min: 1, max: 1000 }),
  bytes: integer(100_000_000, { min: 0, max: Number.MAX_SAFE_INTEGER }),
}

function hostList(): OptionRow<readonly string[]> {
  const row = textList([])
  return {
    default: row.default,
    form: 'list',
    parse(value, path) {
      const hosts = row.parse(value, path).map((one) => {
        const host = normaliseHost(one)
        // All hosts at once would be every service of the machine and its network.
        if (host === undefined || host === '*')
          throw invalidOption(path, 'a list of hosts such as "localhost:8080", "10.0.0.7" or "*.example.com"', one)
        return host
      })
      return Object.freeze(hosts)
    },
  }
}
