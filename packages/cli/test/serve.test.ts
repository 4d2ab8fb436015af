import { rm } from 'node:fs/promises'
import { expect } from 'chai'
import { holdSocket, type HeldSocket } from './support/held-socket.ts'
import { startLoad } from './support/load.ts'
import { fixture, runCordon } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon serve', function () {
  this.timeout(60_000)
  let folder: string
  let socket: HeldSocket

  before(async () => {
    folder = await temporaryFolder('cordon-serve-')
    socket = await holdSocket(folder)
  })
  after(async () => {
    await socket.release()
    await rm(folder, { recursive: true, force: true })
  })

  it('loses no request when it is restarted on a socket that it was given', async () => {
    await socket.start()
    // The command line finds the server by its data directory.
    for (const name of ['double', 'drip']) expect(await runCordon(['deploy', fixture(`${name}.ts`)], { cwd: folder })).to.include({ code: 0 })
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
    expect(await run([], foreign)).to.match(
      /^2 The socket of LISTEN_FDS is for process 1 and this one is \d+: start Node itself.*\nCannot listen on .* another program uses this port/,
    )
  })
})
