import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const script = fileURLToPath(new URL('../test/fixtures/hosts/forgetful.mjs', import.meta.url))

interface Host {
  readonly output: number
  readonly dataDir: string
  readonly pids: readonly number[]
}

function isHost(value: unknown): value is Host {
  return typeof value === 'object' && value !== null && 'dataDir' in value && 'pids' in value
}

async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return status !== '' && status.slice(status.lastIndexOf(')') + 2)[0] !== 'Z'
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Starts a test process and gives what it says of itself, once its first test is over. */
async function start(mode: string) {
  const child = spawn(process.execPath, [script, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [line]: unknown[] = await once(createInterface(child.stdout), 'line')
  const host: unknown = JSON.parse(String(line))
  if (!isHost(host)) throw new Error(`unexpected: ${String(line)}`)
  return { child, exited, host }
}

async function expectNothingLeft({ dataDir, pids }: Host): Promise<void> {
  while (await isThere(dataDir)) await new Promise((resolve) => setImmediate(resolve))
  for (const pid of pids) expect(await isAlive(pid), `process ${pid}`).to.equal(false)
}

describe('a test process', function () {
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('that closes nothing ends by itself, and nothing of its platform is left', async () => {
    const { exited, host } = await start('forgetful')
    expect(host.output).to.equal(2)
    expect(host.pids).to.have.length.greaterThan(0)
    expect((await exited)[0]).to.equal(0)
    await expectNothingLeft(host)
  })

  it('that is killed in the middle of a test leaves nothing behind', async () => {
    const { child, exited, host } = await start('endless')
    child.kill('SIGKILL')
    await exited
    await expectNothingLeft(host)
  })
})
