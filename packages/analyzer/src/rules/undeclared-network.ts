import type { Rule } from './rule.ts'

/** Hosts stand in the code, or are declared. */
export const undeclaredNetwork: Rule = {
  id: 'undeclared-network',
  severity: 'warn',
  summary: 'The hosts of fetch, WebSocket and EventSource stand in the code as literals, or in config.net.',
  check({ uses, config, report }) {
    if (config.net.length > 0) return
    for (const { kind, name, node } of uses) {
      if (kind !== 'net' || name !== undefined) continue
      report(
        node,
        "The host that this reaches cannot be read from the code, so it is not granted. Declare it: `export const config = { net: ['api.example.com'] }`.",
      )
    }
  },
}
