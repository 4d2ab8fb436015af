import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createPlatform, type Platform } from '@cordon/core'
import { isRecord } from '@cordon/contracts'
import { expect } from 'chai'
import { startLoad } from './support/load.ts'
import { startReadyProxy, type ReadyProxy } from './support/ready-proxy.ts'
import { fixture, runCordon, startCordon, type Running } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

interface ServedHost extends Running {
  readonly url: string
}

describe('several cordon serve on one database', function () {
  this.timeout(120_000)
  let folder: string
  /** Its embedded PostgreSQL is the server of the others. */
  let platform: Platform
  let databaseUrl: string
  let proxy: ReadyProxy
  const hosts = new Set<ServedHost>()

  before(async () => {
    folder = await temporaryFolder('cordon-hosts-')
    platform = await createPlatform({ dataDir: join(folder, 'server') })
    const status: unknown = JSON.parse((await runCordon(['db', 'status', '--data-dir', 'server', '--json'], { cwd: folder })).stdout)
    const socket = encodeURIComponent(String(isRecord(status) ? status['socket'] : ''))
    await runCordon(['db', 'shell', '--data-dir', 'server', '-c', 'create database shared'], { cwd: folder })
    databaseUrl = `postgres://cordon@/shared?host=${socket}`
    proxy = await startReadyProxy()
  })
  after(async () => {
    await proxy.stop()
    await Promise.all([...hosts].map((host) => host.stop('SIGTERM')))
    await platform.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function start(name: string): Promise<ServedHost> {
    const running = startCordon(['serve', '--port', '0', '--data-dir', name, '--database-url', databaseUrl], {
      cwd: folder,
      env: { CORDON_HTTP_NOTICE_MS: '500' },
    })
    const url = (await running.line(/^ready/)).split(/ +/)[1] ?? ''
    const host = { ...running, url }
    hosts.add(host)
    return host
  }

  it('call on one what was deployed on the other, and are restarted one after the other without a failed request', async () => {
    const [one, other] = await Promise.all([start('one'), start('other')])
    for (const name of ['double', 'drip'])
      expect(await runCordon(['deploy', fixture(`${name}.ts`), '--data-dir', 'one'], { cwd: folder })).to.include({ code: 0 })
    while ((await fetch(`${other.url}/fn/drip`)).status === 404);
    await Promise.all([proxy.add(one.url), proxy.add(other.url)])
    const load = startLoad(proxy.url)
    await load.answers(2)
    for (const host of [one, other]) {
      expect(await host.stop('SIGTERM')).to.equal(0)
      hosts.delete(host)
      proxy.remove(host.url)
      await load.answers(1)
      await proxy.add((await start('again')).url)
      await load.answers(2)
    }
    await load.stop()
    expect(load.failures).to.deep.equal([])
  })
})
