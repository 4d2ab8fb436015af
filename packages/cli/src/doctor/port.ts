import { createServer } from 'node:net'
import { readHostFile } from '@cordon/adapters/node'
import type { Finding, Place } from './finding.ts'

/** Where `cordon dev` listens when nothing is said. */
const address = { port: 8080, host: '127.0.0.1' }

/** Whether the default port is free, or used by the platform of the data directory. */
export async function checkPort({ dataDir }: Place): Promise<readonly Finding[]> {
  const failure = await tryPort()
  const where = `port ${address.port} of ${address.host}`
  if (failure === undefined) return [{ check: 'port', state: 'ok', message: `${where} is free` }]
  const host = await readHostFile(dataDir)
  if (host !== undefined && new URL(host.url).port === String(address.port))
    return [{ check: 'port', state: 'ok', message: `${where} is that of the platform, process ${host.pid}` }]
  return [{ check: 'port', state: 'warn', message: `${where} cannot be used (${failure})`, remedy: 'Choose another one: cordon dev --port 8081' }]
}

function tryPort(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? 'another program uses it' : error.message))
    server.listen(address, () => server.close(() => resolve(undefined)))
  })
}
