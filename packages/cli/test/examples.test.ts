import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHandler } from '@cordon/adapters'
import { createPlatform, PlatformError, type Platform } from '@cordon/core'
import { expect } from 'chai'
import { startProgram } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

function example(path: string): string {
  return fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url))
}

describe('the examples', () => {
  let folder: string

  before(async () => {
    folder = await temporaryFolder('cordon-examples-')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  describe('as functions', () => {
    let platform: Platform

    before(async () => {
      platform = await createPlatform({ dataDir: join(folder, 'functions'), packages: { from: example('http'), allow: ['hono'] } })
      for (const name of ['simple', 'http', 'database']) await platform.deploy({ name, path: example(name) })
    })
    after(() => platform.close())

    it('simple: adds up an order', async () => {
      const { output, logs } = await platform.invoke('simple', { items: [{ name: 'tea', cents: 250, count: 2 }] })
      expect(output).to.deep.equal({ cents: 500, lines: ['2 x tea: 5.00'] })
      expect(logs[0]).to.deep.include({ level: 'info', message: 'order added up', fields: { items: 1 } })
    })

    it('http: routes and streams', async () => {
      const handle = createHandler(platform)
      const get = (path: string, init?: RequestInit) => handle(new Request(`http://host.test/fn/http${path}`, init))
      expect(await (await get('/hello/Ada')).json()).to.deep.equal({ greeting: 'Hello Ada' })
      expect(await (await get('/upper', { method: 'POST', body: 'loud' })).text()).to.equal('LOUD')
      const chunks: string[] = []
      for await (const chunk of (await get('/count/2')).body ?? []) chunks.push(new TextDecoder().decode(chunk))
      expect(chunks).to.deep.equal(['2\n', '1\n', 'lift-off\n'])
      expect((await get('/nowhere')).status).to.equal(404)
    })

    it('database: moves money, both changes or neither', async () => {
      const { output } = await platform.invoke('database', { from: 'ada', to: 'bob', amount: 30 })
      expect(output).to.deep.equal({
        accounts: [
          { name: 'ada', balance: 70 },
          { name: 'bob', balance: 130 },
        ],
      })
      const failure = await platform.invoke('database', { from: 'ada', to: 'bob', amount: 500 }).catch((error: unknown) => error)
      expect(failure).to.be.instanceOf(PlatformError)
      const after = await platform.invoke('database', { from: 'ada', to: 'bob', amount: 0 })
      expect(after.output).to.deep.equal(output)
    })
  })

  it('express-embed: an application with functions beside its own routes', async () => {
    const app = startProgram(example('express-embed/server.mjs'), [], { cwd: folder, env: { PORT: '0', DATA_DIR: join(folder, 'express') } })
    try {
      const url = /http:\S+/.exec(await app.line(/Try: curl/))?.[0] ?? ''
      expect(await (await fetch(url)).json()).to.deep.equal({ greeting: 'Hello Ada' })
      const origin = new URL(url).origin
      expect((await fetch(`${origin}/cordon/api/functions`)).status).to.equal(403)
      expect(
        await (
          await fetch(`${origin}/cordon/fn/greet`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"Bob"}' })
        ).json(),
      ).to.deep.equal({ greeting: 'Hello Bob' })
      expect(await (await fetch(origin)).text()).to.contain('host application')
    } finally {
      expect(await app.stop('SIGTERM')).to.equal(0)
    }
  })

  it('tour: shows everything, serves until Ctrl-C, and says one sentence when it cannot', async () => {
    const tour = startProgram(example('tour/tour.mjs'), ['--port', '0'], { cwd: folder })
    try {
      const curl = await tour.line(/curl -d .*fn\/simple/)
      const url = /http:\S+/.exec(curl)?.[0] ?? ''
      expect(await (await fetch(url, { method: 'POST', body: '{"items":[]}' })).json()).to.deep.equal({ cents: 0, lines: [] })
      expect(tour.output()).to.contain('streamed: 3').and.to.contain('Hello Ada')
      const second = startProgram(example('tour/tour.mjs'), ['--port', new URL(url).port, '--data-dir', join(folder, 'second')], { cwd: folder })
      await second.line(/^Cannot listen on 127.0.0.1:\d+: another program uses this port.* \(npm start -- --port 9000\)$/)
      expect(await second.stop('SIGCONT')).to.equal(1)
      expect(second.output()).not.to.match(/^ +at /m)
      await tour.line(/Ctrl-C stops/)
    } finally {
      expect(await tour.stop('SIGINT')).to.equal(0)
    }
    const again = startProgram(example('tour/tour.mjs'), ['--once'], { cwd: folder })
    await again.line(/simple .*is live already/)
    expect(await again.stop('SIGCONT')).to.equal(0)
  })
})
