import type { Agent } from 'undici'
import { createConnector, type ConnectorOptions } from './connector.ts'
import type { RequestSender } from './exchange.ts'

/** Longest time that a connection is kept for the next request, in milliseconds, whatever the server says: what undici takes for one that says nothing. */
const keepAliveMaxMs = 4000
/** Largest head of an answer in bytes: that of Node's own client. */
const maxHeadBytes = 16_384

/** What sends the requests of all functions. */
export interface RequestSenders {
  /** What sends those of a tenant. */
  agentOf(tenant: string): Promise<RequestSender>
  close(): Promise<void>
}

/** The connections of all functions to the outside. Each tenant has its own, so that none gets what another left behind on one. */
export class Egress implements RequestSenders {
  readonly #options: ConnectorOptions
  readonly #agents = new Map<string, Promise<Agent>>()
  #isClosed = false

  constructor(options: ConnectorOptions) {
    this.#options = options
  }

  agentOf(tenant: string): Promise<Agent> {
    let agent = this.#agents.get(tenant)
    if (agent === undefined) this.#agents.set(tenant, (agent = this.#createAgent()))
    return agent
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#agents.values()].map(async (agent) => (await agent).destroy()))
  }

  async #createAgent(): Promise<Agent> {
    // Loaded for the first request: most hosts make none.
    const { Agent: UndiciAgent, buildConnector } = await import('undici')
    const agent = new UndiciAgent({
      connect: createConnector(buildConnector, this.#options),
      keepAliveMaxTimeout: keepAliveMaxMs,
      maxHeaderSize: maxHeadBytes,
      // The invocation has a deadline.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    if (this.#isClosed) await agent.destroy()
    return agent
  }
}
