/**
 * The host of a crash run: a platform on its embedded database behind HTTP, with a door for what the API does not have. Says on its standard
 * output where it listens, and ends when its standard input does.
 */
import { createServer } from 'node:http'
import { nodeAdapter } from '@cordon/adapters/node'
import { createPlatform } from '@cordon/core'

process.stdin.resume().once('end', () => process.exit(1))
const platform = await createPlatform({
  dataDir: process.argv[2],
  records: { write: 'durable' },
  authenticate: (request) => ({ tenant: request.headers.get('x-tenant') ?? 'default' }),
})
const handle = nodeAdapter(platform)
const server = createServer((incoming, outgoing) => {
  if (incoming.url.startsWith('/control/')) void control(incoming, outgoing)
  else handle(incoming, outgoing)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`))

const doors = {
  '/control/ping': async () => ({}),
  '/control/secret': ({ tenant, name, value }) => platform.tenant(tenant).secrets.set(name, value),
  '/control/close': () => platform.close(),
}

async function control({ url }, outgoing) {
  const { pathname, searchParams } = new URL(url, 'http://host.test')
  try {
    await doors[pathname](Object.fromEntries(searchParams))
    outgoing.end('{}')
  } catch (error) {
    outgoing.statusCode = 500
    outgoing.end(JSON.stringify({ code: error.code, detail: error.message }))
  }
}
