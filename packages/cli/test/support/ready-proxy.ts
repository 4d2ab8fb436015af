import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'

/** A proxy that sends requests, one by one in turn, to those of its hosts that were ready when they were asked last. It never sends one again. */
export interface ReadyProxy {
  readonly url: string
  /** Adds a host; resolves when it was ready. */
  add(url: string): Promise<void>
  remove(url: string): void
  stop(): Promise<void>
}

/** Time between two questions to one host, in milliseconds. */
const askMs = 50

/** Starts a proxy on a free loopback port. */
export async function startReadyProxy(): Promise<ReadyProxy> {
  const hosts = new Map<string, { isReady: boolean; readonly timer: NodeJS.Timeout }>()
  // Connections that nothing is sent on are closed soon: a host waits for them when it stops.
  const agent = new Agent({ keepAlive: true, timeout: 400 })
  let turn = 0
  const server = createServer((incoming, outgoing) => {
    const ready = [...hosts].filter(([, { isReady }]) => isReady)
    const [host] = ready[turn++ % ready.length] ?? []
    if (host === undefined) return void outgoing.writeHead(503).end()
    const { method, headers, url = '/' } = incoming
    const passed = request(host + url, { agent, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? '' })
      answer.pipe(outgoing)
    })
    passed.once('error', (error) => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end(String(error))))
    incoming.pipe(passed)
  })
  async function ask(url: string): Promise<void> {
    const response = await fetch(`${url}/health/ready`, { headers: { connection: 'close' } }).catch(() => undefined)
    await response?.body?.cancel()
    const host = hosts.get(url)
    if (host !== undefined) host.isReady = response?.status === 200
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    async add(url) {
      hosts.set(url, { isReady: false, timer: setInterval(() => void ask(url), askMs) })
      await ask(url)
    },
    remove(url) {
      clearInterval(hosts.get(url)?.timer)
      hosts.delete(url)
    },
    async stop() {
      for (const { timer } of hosts.values()) clearInterval(timer)
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
