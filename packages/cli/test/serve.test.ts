import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { platformOptionTable } from '@cordon/contracts'
import { expect } from 'chai'
import { holdSocket, type HeldSocket } from './support/held-socket.ts'
import { startLoad } from './support/load.ts'
import { isInstalled, parseNginx, parseUnit, readExample, startNginx, verifyUnits } from './support/operations-files.ts'
import { bin, fixture, runCordon } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon serve', function () {
  this.timeout(60_000)
  let folder: string
  let socket: HeldSocket

  before(async () => {
    folder = await temporaryFolder('cordon-serve-')
    socket = await holdSocket(folder, {
      CORDON_LIMITS_PAYLOAD_BYTES: '200000000',
      CORDON_LIMITS_OUTPUT_BYTES: '200000000',
      CORDON_LIMITS_TIMEOUT_MS: '30000',
    })
  })
  after(async () => {
    await socket.release()
    await rm(folder, { recursive: true, force: true })
  })

  async function status(url: string): Promise<number> {
    const { status: found, body } = await fetch(url)
    await body?.cancel()
    return found
  }

  it('loses no request when it is restarted on a socket that it was given', async () => {
    await socket.start()
    // The command line finds the server by its data directory.
    for (const name of ['double', 'drip', 'stream'])
      expect(await runCordon(['deploy', fixture(`${name}.ts`)], { cwd: folder })).to.include({ code: 0 })
    const load = startLoad(socket.url)
    await load.answers(3)
    process.kill(socket.pid(), 'SIGTERM')
    expect(await socket.ended()).to.equal(0)
    await socket.start()
    await load.answers(3)
    await load.stop()
    expect(load.failures).to.deep.equal([])
    expect(socket.output()).to.match(/stopped after [\d.]+ s, every request was answered/)
  })

  it('streams through nginx as examples/operations has it, and loses no request behind it', async function () {
    if (!(await isInstalled('nginx'))) this.skip()
    const nginx = await startNginx(join(folder, 'nginx'), await readExample('nginx.conf'), new URL(socket.url).host)
    try {
      for (const path of ['/api/functions', '/metrics', '/mcp', '/']) expect(await status(nginx.url + path)).to.equal(404)
      expect(await status(`${nginx.url}/health/ready`)).to.equal(200)
      // 100 MB there, and 100 MB back: both at once is more than nginx can.
      const sent = Array<Buffer>(100).fill(Buffer.alloc(1_000_000))
      const counted = await fetch(`${nginx.url}/fn/stream`, { method: 'POST', body: Readable.from(sent), duplex: 'half' })
      expect(await counted.json()).to.equal(100_000_000)
      let bytes = 0
      for await (const chunk of (await fetch(`${nginx.url}/fn/stream?mb=100`)).body ?? []) bytes += chunk.length
      expect(bytes).to.equal(100_000_000)
      // The first event comes, though the answer never ends.
      const leaving = new AbortController()
      const events = await fetch(`${nginx.url}/fn/stream`, { signal: leaving.signal })
      const { value } = (await events.body?.getReader().read()) ?? {}
      expect(Buffer.from(value ?? []).toString()).to.equal('data: first\n\n')
      leaving.abort()
      const load = startLoad(nginx.url)
      await load.answers(3)
      process.kill(socket.pid(), 'SIGTERM')
      expect(await socket.ended()).to.equal(0)
      await socket.start()
      await load.answers(3)
      await load.stop()
      expect(load.failures).to.deep.equal([])
    } finally {
      await nginx.stop()
    }
  })

  it('loses what was running and nothing else when it is killed', async () => {
    const load = startLoad(socket.url)
    await load.answers(2)
    const second = Number(
      /process (\d+)/g.exec(
        socket
          .output()
          .split('\n')
          .findLast((line) => line.startsWith('ready')) ?? '',
      )?.[1],
    )
    process.kill(second, 'SIGKILL')
    expect(await socket.ended()).to.equal(137)
    await socket.start()
    const lost = load.failures.length
    await load.answers(2)
    await load.stop()
    expect(lost).to.be.within(1, load.clients)
    expect(load.failures).to.have.length(lost)
  })

  it('stops at once at the second signal, and says what was cut', async () => {
    const response = await fetch(`${socket.url}/fn/drip`)
    process.kill(socket.pid(), 'SIGINT')
    await socket.line(/^stopping \(SIGINT\)/)
    process.kill(socket.pid(), 'SIGTERM')
    expect(await socket.ended()).to.equal(1)
    expect(socket.output()).to.match(/stopped after [\d.]+ s, 1 running requests were cut/)
    expect(await response.text().catch(() => 'cut')).to.equal('cut')
  })

  it('has an example for systemd that keeps to what it needs', async () => {
    const [service, port] = await Promise.all(['cordon.service', 'cordon.socket'].map(async (name) => parseUnit(await readExample(name))))
    const one = (key: string): string => String(service?.get(`Service.${key}`))
    expect(one('ExecStart')).to.match(/^\/usr\/bin\/node \/\S+\/cordon\.js serve$/)
    // Whatever else gets SIGTERM cannot finish what runs, and one killed sandbox is not the end.
    expect([one('KillMode'), one('OOMPolicy'), one('RestartPreventExitStatus')]).to.deep.equal(['mixed', 'continue', '2'])
    const { noticeMs, graceMs } = platformOptionTable({ workingDirectory: '/', isProduction: true }).http.default()
    expect(Number(one('TimeoutStopSec')) * 1000).to.be.above(6000 + noticeMs + 2 * graceMs)
    const upstream = parseNginx(await readExample('nginx.conf')).find(({ words }) => words[0] === 'upstream')
    expect(upstream?.block.find(({ words }) => words[0] === 'server')?.words[1]).to.equal(String(port?.get('Socket.ListenStream')))
    if (await isInstalled('systemd-analyze')) await verifyUnits(join(folder, 'units'))
  })

  it('says in one sentence what keeps it from serving', async () => {
    const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
      const { code, stderr } = await runCordon(['serve', ...args], { cwd: folder, env })
      return `${code} ${stderr.trim()}`
    }
    expect(await run(['--port', 'x'])).to.match(/^2 Cannot use --port "x": expected a number$/)
    expect(await run([], { PORT: '\\\\.\\pipe' })).to.match(/^2 Cannot use the variable PORT ".*": expected a number$/)
    expect(await run(['--url', 'http://localhost:1'])).to.match(/^2 Cannot serve with --url/)
    expect(await run([], { NODE_ENV: 'production', CORDON_ISOLATION: 'thread' })).to.match(/^3 Cannot [^\n]+$/)
    // The port of the socket that is held for others.
    const foreign = { LISTEN_FDS: '1', LISTEN_PID: '1', PORT: new URL(socket.url).port }
    // What is descriptor 3 of a process that was given none is Node's own.
    const { stderr } = await promisify(execFile)('sh', ['-c', 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"', process.execPath, bin, 'serve'], {
      cwd: folder,
    }).catch((error: { readonly stderr: string }) => error)
    expect(stderr).to.match(/^Cannot listen on the inherited descriptor 3: it is no TCP socket\. [^\n]+\n$/)
    expect(await run([], foreign)).to.match(
      /^2 The socket of LISTEN_FDS is for process 1 and this one is \d+: start Node itself.*\nCannot listen on .* another program uses this port/,
    )
  })
})
