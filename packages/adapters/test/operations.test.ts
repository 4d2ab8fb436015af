import { readFile } from 'node:fs/promises'
import { createHandler } from '@cordon/adapters'
import { serve, type RunningServer } from '@cordon/adapters/node'
import { createPlatform } from '@cordon/core'
import { databaseStatus } from '@cordon/core/database'
import { expect } from 'chai'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'

describe('what operators ask', function () {
  this.timeout(30_000)
  let opened: OpenPlatform
  let server: RunningServer

  before(async () => {
    opened = await openPlatform(['double'])
    server = await serve(opened.platform, { port: 0 })
  })
  after(async () => {
    await server.close()
    await opened.close()
  })

  async function health(path: string, init?: RequestInit): Promise<{ status: number; body: unknown; headers: Headers }> {
    const response = await fetch(`${server.url}/health/${path}`, init)
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers }
  }

  describe('health', () => {
    const passing = { database: [{ status: 'pass' }], platform: [{ status: 'pass' }], sandboxes: [{ status: 'pass' }] }

    it('says that it lives and is ready', async () => {
      expect(await health('live')).to.deep.include({ status: 200, body: { status: 'pass' } })
      const ready = await health('ready')
      expect(ready).to.deep.include({ status: 200, body: { status: 'pass', checks: passing } })
      expect(ready.headers.get('content-type')).to.equal('application/health+json')
      expect(ready.headers.get('cache-control')).to.equal('no-store')
      expect(await health('ready', { method: 'HEAD' })).to.deep.include({ status: 200, body: undefined })
      for (const [path, method, status] of [
        ['ready', 'POST', 405],
        ['live', 'DELETE', 405],
        ['x', 'GET', 404],
        ['ready/', 'GET', 404],
        ['', 'GET', 404],
      ] as const)
        expect((await health(path, { method })).status, `${method} ${path}`).to.equal(status)
    })

    it('answers strangers, below a mount too', async () => {
      const handle = createHandler(opened.platform, { basePath: '/cordon', authenticate: () => null })
      const response = await handle(new Request('http://host.test/cordon/health/ready'))
      expect([response.status, await response.json()]).to.deep.equal([200, { status: 'pass', checks: passing }])
    })

    it('is not ready while the database hangs or is away, and is again when it is back', async () => {
      const { pid = 0 } = await databaseStatus({ dataDir: opened.dataDir })
      const processes = [pid, ...(await childrenOf(pid))]
      for (const one of processes) signal(one, 'SIGSTOP')
      try {
        let hanging = await health('ready')
        while (hanging.status === 200) hanging = await health('ready')
        expect(hanging).to.deep.include({ status: 503, body: { status: 'fail', checks: { ...passing, database: [{ status: 'fail' }] } } })
        expect(await health('live')).to.include({ status: 200 })
      } finally {
        for (const one of processes) signal(one, 'SIGCONT')
      }
      while ((await health('ready')).status !== 200);
      // One that hung for long was started anew.
      signal((await databaseStatus({ dataDir: opened.dataDir })).pid ?? 0, 'SIGKILL')
      while ((await health('ready')).status !== 200);
    })

    it('is not ready once the platform closes', async () => {
      // Shares the host of the other one.
      const platform = await createPlatform({ dataDir: opened.dataDir })
      const handle = createHandler(platform)
      const closing = platform.close()
      const response = await handle(new Request('http://host.test/health/ready'))
      expect(response.status).to.equal(503)
      expect(await response.json())
        .to.have.property('checks')
        .that.deep.includes({ platform: [{ status: 'fail' }] })
      expect((await handle(new Request('http://host.test/health/live'))).status).to.equal(200)
      await closing
    })
  })
})

/** Processes that a process started, where the system says so. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text
    .split(' ')
    .filter((one) => one !== '')
    .map(Number)
}

/** To a process that may have ended by itself. */
function signal(pid: number, name: NodeJS.Signals): void {
  // Number 0 would be this process and all around it.
  if (pid === 0) return
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
