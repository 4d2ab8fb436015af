import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createBrotliCompress, createGzip } from 'node:zlib'
import { expect } from 'chai'
import { createPlatform, PlatformError, type Platform } from '@cordon/core'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

const head = 'HTTP/1.1 200 OK\r\n'
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

/** What a server does with a connection, by path. */
const servers: Readonly<Record<string, (socket: Socket) => void>> = {
  '/nonsense': (socket) => socket.end('220 mail.example ESMTP\r\n'),
  '/binary': (socket) => socket.end(Buffer.alloc(100_000, 0xff)),
  '/huge-head': (socket) => socket.write(`${head}${'x-a: '.padEnd(1000, 'b')}\r\n`.repeat(100)),
  '/many-headers': (socket) => socket.write(`${head}${'aaaa:b\r\n'.repeat(5000)}\r\n`),
  '/odd-headers': (socket) =>
    socket.end(`${head}x-a: \xff\x80b\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n__proto__: x\r\nconnection: close\r\n\r\nfine`, 'latin1'),
  '/two-lengths': (socket) => socket.end(`${head}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
  '/length-and-chunks': (socket) => socket.end(`${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n${chunk('ab')}0\r\n\r\n`),
  '/early-hints': (socket) => socket.end(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${head}content-length: 4\r\n\r\nfine`),
  '/upgrade': (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  '/short': (socket) => socket.end(`${head}content-length: 100\r\n\r\nhalf`),
  '/slow-head': (socket) => drip(socket, head),
  '/slow-body': (socket) => drip(socket, 'a', `${head}content-length: 1000000\r\n\r\n`),
  '/endless': (socket) => pour(socket),
  '/gzip-bomb': (socket) => void bomb(socket, createGzip(), 'gzip'),
  '/br-bomb': (socket) => void bomb(socket, createBrotliCompress(), 'br'),
  // It writes, since a socket that is not read hears of its end by nothing else.
  '/never-reads': (socket) => drip(socket.pause(), 'a', `${head}x-a: `),
}

/** One byte now and then, for ever. */
function drip(socket: Socket, text: string, before = ''): void {
  let index = 0
  socket.write(before)
  const timer = setInterval(() => socket.write(text[index++ % text.length] ?? ''), 20)
  socket.on('close', () => clearInterval(timer))
}

function pour(socket: Socket): void {
  const piece = Buffer.from(chunk('x'.repeat(65_536)))
  socket.write(`${head}transfer-encoding: chunked\r\n\r\n`)
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece)) continue
  }
  socket.on('drain', more)
  more()
}

/** 80 MB of nothing, in some hundred kilobytes. */
async function bomb(
  socket: Socket,
  packed: ReturnType<typeof createGzip> | ReturnType<typeof createBrotliCompress>,
  encoding: string,
): Promise<void> {
  socket.write(`${head}content-encoding: ${encoding}\r\nconnection: close\r\n\r\n`)
  packed.pipe(socket)
  const piece = Buffer.alloc(1_000_000)
  for (let count = 0; count < 80 && !socket.destroyed; count++) if (!packed.write(piece)) await once(packed, 'drain')
  packed.end()
}

describe('fetch from hostile servers, by hostile functions', function () {
  this.timeout(30_000)
  let platform: Platform
  let remove: () => Promise<void>
  let server: Server
  let origin: string
  const open = new Set<Socket>()

  before(async () => {
    server = createServer((socket) => {
      open.add(socket)
      socket.on('close', () => open.delete(socket)).on('error', () => undefined)
      socket.once('data', (bytes) => servers[bytes.toString('latin1').split(' ')[1] ?? '']?.(socket))
    })
    server.listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    origin = `http://localhost:${port}`
    const scratch = await createScratch()
    remove = scratch.remove
    platform = await createPlatform({
      dataDir: join(scratch.path, 'data'),
      logger: createNotingLogger(),
      net: { allowPrivate: [`localhost:${port}`], bytes: 8_000_000 },
      limits: { memoryMb: 64 },
    })
  })
  after(async () => {
    await platform.close()
    server.close()
    await remove()
  })

  async function deploy(body: string): Promise<void> {
    await platform.deploy({ name: 'f', source: handler(body), config: { net: [origin.slice('http://'.length)] } })
  }

  async function codeOf(input: object): Promise<string> {
    try {
      await platform.invoke('f', input)
      return 'success'
    } catch (error) {
      return error instanceof PlatformError ? error.code : String(error)
    }
  }

  /** Resolves when the host has no connection to the server any more. */
  async function allClosed(): Promise<void> {
    await Promise.all([...open].map((socket) => new Promise((resolve) => socket.on('close', resolve))))
  }

  it('ends as a failed fetch or as what the answer is', async () => {
    await deploy(
      `const see = async (path) => { try { const answer = await fetch(input.origin + path); return answer.status + ' ' + (await answer.text()).slice(0, 10) + ' ' + [...answer.headers].length } catch (error) { return error.name + ' ' + (typeof error.cause?.code) } }
       const seen = {}
       for (const path of input.paths) seen[path] = await see(path)
       return seen`,
    )
    const failing = ['/nonsense', '/binary', '/huge-head', '/many-headers', '/two-lengths', '/length-and-chunks', '/upgrade', '/short']
    const { output } = await platform.invoke<object, Record<string, string>>('f', { origin, paths: [...failing, '/odd-headers', '/early-hints'] })
    for (const path of failing) expect(output[path], path).to.equal('TypeError string')
    expect(output).to.include({ '/odd-headers': '200 fine 5', '/early-hints': '200 fine 1' })
    await allClosed()
  })

  it('ends with the invocation, whatever the server still does', async () => {
    await deploy(
      'const answer = await fetch(input.url, { method: input.body ? "POST" : "GET", body: input.body ? new Uint8Array(input.body) : undefined }); return (await answer.text()).length',
    )
    for (const path of ['/slow-head', '/slow-body', '/never-reads']) {
      await rejection(platform.invoke('f', { url: origin + path, body: path === '/never-reads' ? 4_000_000 : 0 }, { timeoutMs: 400 }), 'TIMEOUT')
      await allClosed()
    }
    expect(await codeOf({ url: `${origin}/endless` })).to.be.oneOf(['CAPABILITY_DENIED', 'MEMORY_LIMIT'])
    await allClosed()
  })

  it('lets what unfolds in the sandbox end the sandbox only', async () => {
    await deploy('const parts = []; for await (const part of (await fetch(input.url)).body) parts.push(part); return parts.length')
    for (const path of ['/gzip-bomb', '/br-bomb']) {
      expect(await codeOf({ url: origin + path }), path).to.be.oneOf(['MEMORY_LIMIT', 'CRASHED', 'FUNCTION_ERROR', 'TIMEOUT'])
    }
    await allClosed()
    await deploy('return 1')
    expect((await platform.invoke('f')).output).to.equal(1)
  })

  it('leaves no connection when a sandbox is killed in the middle of bodies, or an upload is aborted', async () => {
    await deploy(
      `const endless = new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(65536)) } })
       const stop = new AbortController()
       const upload = fetch(input.origin + '/never-reads', { method: 'POST', body: endless, duplex: 'half', signal: stop.signal }).catch((error) => error.name)
       const reader = (await fetch(input.origin + '/endless')).body.getReader()
       await reader.read()
       if (input.aborts) { await new Promise((resolve) => setTimeout(resolve, 50)); stop.abort(); await reader.cancel(); return upload }
       console.log('reading')
       await reader.read()
       await new Promise(() => {})`,
    )
    let pid = 0
    const stop = platform.on('sandbox', (event) => {
      if (event.function === 'f' && event.state !== 'dead') ({ pid } = event)
    })
    expect((await platform.invoke('f', { origin, aborts: true })).output).to.equal('AbortError')
    await allClosed()
    const killed = rejection(platform.invoke('f', { origin }), 'CRASHED')
    while (open.size < 2) await once(server, 'connection')
    process.kill(pid, 'SIGKILL')
    await killed
    stop()
    await allClosed()
  })

  it('sends no line breaks and no head that is too long, whoever writes them', async () => {
    await deploy(
      `const tries = [
         () => fetch(input.origin + '/echo', { headers: { 'x-a': 'b\\r\\nx-evil: 1' } }),
         () => fetch(input.origin + '/echo', { method: 'GET\\r\\nx-evil:1' }),
         () => fetch(input.origin + '/echo', { headers: Array.from({ length: 1000 }, (_, index) => ['x-' + index, 'y']) }),
         () => fetch(input.origin + '/echo', { headers: { 'x-a': 'b'.repeat(70_000) } }),
         () => fetch(input.origin + '/' + 'a'.repeat(70_000)),
         () => { const request = new Request(input.origin + '/echo'); Object.defineProperty(request, 'url', { value: 'http://evil.example/' }); return fetch(request) },
       ]
       const codes = []
       for (const one of tries) codes.push(await Promise.race([one(), new Promise((resolve) => setTimeout(resolve, 100, { status: 'sent' }))]).then((answer) => answer.status, (error) => error.code ?? error.name))
       return codes`,
    )
    expect((await platform.invoke('f', { origin })).output).to.deep.equal([
      ...['TypeError', 'TypeError', 'INVALID_INPUT', 'INVALID_INPUT', 'INVALID_INPUT', 'sent'],
    ])
    await allClosed()
  })
})
