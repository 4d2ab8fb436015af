import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { checkServer, connectionFromUrl, createSqlPool, openSqlSession, type SqlPool } from '@cordon/pool'
import { expect } from 'chai'
import { startByUrl, type Backend } from './support/backends.ts'
import { failureOf } from './support/scratch.ts'

describe('a database server given by URL', () => {
  let backend: Backend
  let owner: SqlPool
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  const certificate = fixture('certificate.pem')

  before(async () => {
    backend = await startByUrl()
    owner = createSqlPool({ connection: backend.observer, max: 1, acquireTimeoutMs: 5000, queryTimeoutMs: 5000, applicationName: 'test' })
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
    await owner.close()
    await backend.remove()
  })

  /** A TCP server in front of the database. */
  async function listen(onConnection: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      onConnection(socket)
    })
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  function upstream(): Socket {
    const socket = connect(backend.admin.port, backend.admin.host)
    sockets.add(socket)
    return socket.on('error', () => undefined)
  }

  /** The URL of the server with parts of it changed. */
  function url(change: Partial<Record<'user' | 'password' | 'host' | 'port' | 'database' | 'query', string | number>> = {}): string {
    const { user, password = '', host, port, database } = backend.admin
    const parts = { user, password, host, port, database, query: '', ...change }
    return `postgres://${parts.user}:${encodeURIComponent(parts.password)}@${parts.host}:${parts.port}/${parts.database}${parts.query}`
  }

  async function refused(given: string, code: string, words: RegExp, timeoutMs?: number): Promise<void> {
    const error = await failureOf(checkServer(connectionFromUrl(given), timeoutMs))
    expect(error).to.include({ code })
    expect(error.message).to.match(words)
    expect(error.message).not.to.contain('p@ss')
  }

  it('is accepted when the platform can live on it', async () => {
    await checkServer(connectionFromUrl(url()))
    await checkServer(backend.observer)
  })

  it('that cannot be reached is STORE_UNAVAILABLE, and says why', async () => {
    const closed = await listen(() => undefined)
    servers.pop()?.close()
    await refused(url({ port: closed }), 'STORE_UNAVAILABLE', /^Cannot reach the database server at 127\.0\.0\.1:\d+: nothing listens there$/)
    const silent = await listen(() => undefined)
    await refused(url({ port: silent }), 'STORE_UNAVAILABLE', /did not answer within 200 ms$/, 200)
    const rude = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await refused(url({ port: rude }), 'STORE_UNAVAILABLE', /^Cannot reach the database server at /)
    const hangsUp = await listen((socket) => socket.destroy())
    await refused(url({ port: hangsUp }), 'STORE_UNAVAILABLE', /^Cannot reach the database server at /)
  })

  it('with a wrong name, user, password or database is INVALID_OPTION, and says which', async () => {
    await refused(url({ host: 'absent.invalid' }), 'INVALID_OPTION', /no host of the name "absent\.invalid" is found$/)
    await refused(url({ password: 'wrong' }), 'INVALID_OPTION', /does not let user "app" in/)
    await refused(url({ user: 'nobody' }), 'INVALID_OPTION', /does not let user "nobody" in/)
    await refused(url({ database: 'absent' }), 'INVALID_OPTION', /has no database "absent"/)
  })

  it('whose user lacks a right says which one, and the statement that gives it', async () => {
    const create = "LOGIN PASSWORD 'p@ss'"
    await owner.query(`CREATE ROLE weak ${create}; CREATE ROLE middle ${create}; GRANT CREATE ON DATABASE app TO middle`)
    const asMiddle = url({ user: 'middle', password: 'p@ss' })
    await refused(url({ user: 'weak', password: 'p@ss' }), 'INVALID_OPTION', /"weak" may not create schemas in database "app"\. Run: ALTER DATABASE/)
    await refused(asMiddle, 'INVALID_OPTION', /may not create roles.* Run: ALTER ROLE "middle" CREATEROLE$/)
    await owner.query('ALTER ROLE middle CREATEROLE')
    await refused(asMiddle, 'INVALID_OPTION', /database of the functions\. Run: ALTER ROLE "middle" CREATEDB$/)
    await owner.query('ALTER ROLE middle CREATEDB')
    await checkServer(connectionFromUrl(asMiddle))
    await owner.query('REVOKE CONNECT ON DATABASE app FROM PUBLIC')
    await refused(url({ user: 'weak', password: 'p@ss' }), 'INVALID_OPTION', /"weak" may not connect to database "app"/)
  })

  it('that is too old is refused (the same server, whose version a relay changes on the way)', async () => {
    const port = await listen((near) => {
      const far = upstream()
      near.pipe(far)
      far.on('data', (data) => {
        // server_version_num of PostgreSQL 15 to 19, as text.
        near.write(Buffer.from(data.toString('latin1').replace(/1[5-9]0(\d{3})/g, '130$1'), 'latin1'))
      })
    })
    await refused(url({ port }), 'INVALID_OPTION', /it is PostgreSQL .*, and the platform needs 14 or newer$/)
  })

  it('is let go of when a session on it cannot be used', async () => {
    let closed: Promise<unknown> | undefined
    const port = await listen((near) => {
      const far = upstream()
      far.pipe(near)
      near.on('data', (data) => far.writable && far.write(Buffer.from(data.toString('latin1').replace('pg_backend_pid', 'pg_backend_pix'), 'latin1')))
      closed = once(near, 'close').finally(() => far.destroy())
    })
    const failure = await failureOf(openSqlSession(connectionFromUrl(url({ port }))))
    expect(failure).to.include({ code: 'QUERY_FAILED' })
    expect(failure.message).to.contain('Cannot open the database')
    await closed
  })

  it('is spoken to over TLS as sslmode says', async () => {
    // What a pooler or a proxy in front of PostgreSQL does: say yes to the request for TLS, and end it here.
    const port = await listen((near) => {
      near.once('data', () => {
        near.write('S')
        const secured = new TLSSocket(near, { isServer: true, cert: readFileSync(certificate), key: readFileSync(fixture('key.pem')) })
        secured.on('error', () => undefined)
        const far = upstream()
        secured.pipe(far).pipe(secured)
      })
    })
    const trust = `&sslrootcert=${encodeURIComponent(certificate)}`
    await checkServer(connectionFromUrl(url({ port, query: '?sslmode=require' })))
    await checkServer(connectionFromUrl(url({ port, query: `?sslmode=verify-ca${trust}` })))
    const session = await openSqlSession(connectionFromUrl(url({ host: 'localhost', port, query: `?sslmode=verify-full${trust}` })))
    expect((await session.run('SELECT 1')).rows).to.deep.equal([[1]])
    await session.close()
    await refused(url({ port, query: `?sslmode=verify-full${trust}` }), 'INVALID_OPTION', /certificate is for another name than "127\.0\.0\.1"/)
    await refused(url({ port, query: '?sslmode=verify-full' }), 'INVALID_OPTION', /signed by nobody this machine trusts.*sslrootcert/)
    await refused(url({ query: '?sslmode=require' }), 'INVALID_OPTION', /does not offer TLS/)
  })
})

function fixture(name: string): string {
  return fileURLToPath(new URL(`../test/fixtures/tls/${name}`, import.meta.url))
}
