import { once } from 'node:events'
import { request as send, type ClientRequest, type IncomingMessage, type Server } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

/** Listens on a free loopback port; gives the base URL and a way to stop. */
export async function listening(server: Server): Promise<{ url: string; port: number; stop(): Promise<void> }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Opens a request whose body is written by hand. */
export function open(
  url: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): { request: ClientRequest; response: Promise<IncomingMessage> } {
  const request = send(url, { method: 'POST', ...options })
  const response = new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject))
  request.flushHeaders()
  return { request, response }
}

/** Sends these very bytes and reads until the server closes the connection. */
export async function sendBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}
