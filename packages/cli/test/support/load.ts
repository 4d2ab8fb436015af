import { Agent, request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

/** Clients that call the fixtures `double` and `drip`, each one request after the other, until they are stopped. */
export interface Load {
  /** Resolves when every client had this many more answers. */
  answers(count: number): Promise<void>
  /** What went wrong so far; a client goes on after it. */
  readonly failures: readonly string[]
  /** How many there are. */
  readonly clients: number
  /** Resolves with the number of answers when what runs is answered. */
  stop(): Promise<number>
}

/** Clients with kept connections and with new ones, that GET and POST, read a slow answer, or call seldom. None of them ever sends a request again. */
export function startLoad(url: string): Load {
  const failures: string[] = []
  const counts: number[] = []
  const waiting = new Set<() => void>()
  const stopping = new AbortController()

  async function client(index: number, call: () => Promise<void>): Promise<void> {
    counts[index] = 0
    while (!stopping.signal.aborted) {
      try {
        await call()
        counts[index] = (counts[index] ?? 0) + 1
      } catch (error) {
        failures.push(String(error))
      }
      for (const wake of waiting) wake()
    }
  }

  const agents: Agent[] = []
  function keptConnection(): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    agents.push(agent)
    return agent
  }
  const kept = [keptConnection(), keptConnection(), keptConnection(), keptConnection()] as const
  const calls = [
    () => double(url, { agent: kept[0], method: 'GET' }),
    () => double(url, { agent: kept[1], method: 'POST' }),
    () => double(url, { agent: false, method: 'GET' }),
    () => double(url, { agent: false, method: 'POST' }),
    () => drip(url, { agent: kept[2], method: 'GET' }),
    () => drip(url, { agent: false, method: 'GET' }),
    // Its connection is idle when the server stops.
    async () => {
      await double(url, { agent: kept[3], method: 'POST' })
      await new Promise((resolve) => setTimeout(resolve, 200))
    },
  ]
  const clients = calls.map((call, index) => client(index, call))
  return {
    failures,
    clients: calls.length,
    async answers(count) {
      const goals = counts.map((had) => had + count)
      while (counts.some((had, index) => had < (goals[index] ?? 0))) await new Promise<void>((resolve) => waiting.add(resolve))
    },
    async stop() {
      stopping.abort()
      await Promise.all(clients)
      for (const agent of agents) agent.destroy()
      return counts.reduce((sum, count) => sum + count, 0)
    },
  }
}

interface Call {
  readonly agent: Agent | false
  readonly method: 'GET' | 'POST'
}

async function double(url: string, { agent, method }: Call): Promise<void> {
  const n = Math.floor(Math.random() * 1000)
  const path = method === 'GET' ? `/fn/double?n=${n}` : '/fn/double'
  const answer = await send(url + path, { agent, method }, method === 'GET' ? undefined : JSON.stringify({ n }))
  if (answer !== String(2 * n)) throw new Error(`expected ${2 * n}, got ${answer.slice(0, 300)}`)
}

async function drip(url: string, call: Call): Promise<void> {
  const answer = await send(`${url}/fn/drip`, call)
  if (answer !== '0 1 2 3 4 5 6 7 8 9 ') throw new Error(`expected ten numbers, got ${answer.slice(0, 300)}`)
}

async function send(url: string, options: Call, body?: string): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { ...options, headers: { 'content-type': 'application/json' } }, resolve)
      .once('error', reject)
      .end(body)
  })
  return text(response)
}
