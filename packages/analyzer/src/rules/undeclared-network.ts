import type { Rule } from './rule.ts'

/** Hosts are declared. */
export const undeclaredNetwork: Rule = {
  id: 'undeclared-network',
  severity: 'warn',
  summary: 'A function that uses fetch, WebSocket or EventSource declares its hosts in config.net.',
  check({ references, declaresHosts, report }) {
    if (declaresHosts) return
    for (const { node, value } of references) {
      const name = value.kind === 'global' ? value.path[0] : undefined
      if (name !== 'fetch' && name !== 'WebSocket' && name !== 'EventSource') continue
      report(
        node,
        `${name} is used and config.net names no host, so every call is denied. Add the hosts: \`export const config = { net: ['api.example.com'] }\`.`,
      )
    }
  },
}
