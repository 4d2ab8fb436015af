import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Stands between a host and its database server, and can lose the server's answer. */
export interface Relay {
  /** The URL with which a host connects through it. */
  readonly url: string
  /** The next commit of a change (what notes itself in the log of changes) is made, and its answer lost with the connection. */
  loseCommit(): void
  /** Lets nobody in, and breaks what is open. */
  block(): void
  admit(): void
  close(): Promise<void>
}

/** Starts a relay in front of a test server; `url` is that of a database in it. */
export async function startRelay(url: string): Promise<Relay> {
  const target = new URL(url)
  const socket = `${target.searchParams.get('host') ?? ''}/.s.PGSQL.${target.port}`
  const sockets = new Set<Socket>()
  let isLosing = false
  let isBlocked = false
  const relay = createServer((near) => {
    if (isBlocked) return void near.destroy()
    const far = connect(socket)
    let hasChange = false
    let isLost = false
    near.on('data', (bytes) => {
      const text = bytes.toString('latin1')
      hasChange ||= text.includes('insert into cordon.changes')
      if (isLosing && hasChange && text.includes('COMMIT')) {
        isLosing = false
        isLost = true
      }
      if (text.includes('COMMIT')) hasChange = false
      far.write(bytes)
    })
    far.on('data', (bytes) => (isLost ? near.destroy() : near.write(bytes)))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        other.destroy()
        sockets.delete(one)
      })
    }
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const address = relay.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `postgres://${target.username}@127.0.0.1:${port}${target.pathname}`,
    loseCommit: () => (isLosing = true),
    block() {
      isBlocked = true
      for (const one of sockets) one.destroy()
    },
    admit: () => (isBlocked = false),
    async close() {
      for (const one of sockets) one.destroy()
      relay.close()
      await once(relay, 'close')
    },
  }
}
