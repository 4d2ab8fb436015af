import { expect } from 'chai'
import { createPlatform, type Platform, type StoredLogEntry } from '@cordon/core'
import { rejection } from './support/rejection.ts'
import { createScratch, handler } from './support/scratch.ts'

describe('records', () => {
  let platform: Platform
  let remove: () => Promise<void>

  before(async () => {
    const scratch = await createScratch()
    remove = scratch.remove
    platform = await createPlatform({ dataDir: `${scratch.path}/data` })
  })
  after(async () => {
    await platform.close()
    await remove()
  })

  it('pages newest first, without a gap or a double while calls go on', async () => {
    await platform.deploy({ name: 'pages', source: handler('console.log("n", input); return input') })
    for (let n = 0; n < 7; n++) await platform.invoke('pages', n)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await platform.logs('pages', { limit: 3, cursor })
      seen.push(...page.items.map(({ message }) => message))
      await platform.invoke('pages', 100)
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    expect(seen).to.deep.equal(['n 6', 'n 5', 'n 4', 'n 3', 'n 2', 'n 1', 'n 0'])
  })

  it('filters by version, level, outcome and time', async () => {
    await platform.deploy({ name: 'filter', source: handler('console.log("low"); console.error("high"); if (input) throw new Error("no")') })
    await platform.invoke('filter')
    const { version } = await platform.deploy({ name: 'filter', source: handler('console.log("new")') })
    await platform.invoke('filter')
    const old = (await platform.functions.versions('filter')).find(({ live }) => !live)?.version
    await rejection(platform.invoke('filter', 1, { version: old }), 'FUNCTION_ERROR')
    const [entry] = (await platform.logs('filter', { version })).items
    expect([entry?.message, entry?.location]).to.deep.equal(['new', /^index\.ts:\d+:\d+$/.exec(entry?.location ?? '')?.[0]])
    expect((await platform.logs('filter', { level: 'error' })).items.map(({ message }) => message)).to.deep.equal(['high', 'high'])
    expect((await platform.invocations('filter', { outcome: 'FUNCTION_ERROR' })).items).to.have.length(1)
    expect((await platform.invocations('filter', { since: new Date(Date.now() + 1000) })).items).to.deep.equal([])
    for (const query of [{ limit: 0 }, { limit: 1001 }, { cursor: "1'; drop" }, { level: 'loud' }, { since: 'now' }, { size: 1 }]) {
      await rejection(platform.logs('filter', query as object), 'INVALID_OPTION')
    }
  })

  it('keeps what text columns cannot hold as replacement characters', async () => {
    await platform.deploy({ name: 'odd', source: handler('console.log("a\\0b\\ud800c"); throw new Error("\\0")') })
    await rejection(platform.invoke('odd'), 'FUNCTION_ERROR')
    expect((await platform.logs('odd')).items[0]?.message).to.equal('a\ufffdb\ufffdc')
    expect((await platform.invocations('odd')).items).to.have.length(1)
  })

  it('follows the log from the past into the present and ends with the signal', async () => {
    await platform.deploy({ name: 'live', source: handler('console.log("n", input)') })
    await platform.invoke('live', 0)
    const abort = new AbortController()
    const seen: StoredLogEntry[] = []
    for await (const entry of platform.logs('live', { follow: true, since: 0, signal: abort.signal })) {
      seen.push(entry)
      if (seen.length === 4) abort.abort()
      else await platform.invoke('live', seen.length)
    }
    expect(seen.map(({ message }) => message)).to.deep.equal(['n 0', 'n 1', 'n 2', 'n 3'])
    expect(seen[0]).to.include.keys('function', 'version', 'invocationId', 'time', 'level')
  })

  it('ends a follower that waits', async () => {
    const abort = new AbortController()
    const entries = platform.logs(undefined, { follow: true, signal: abort.signal })[Symbol.asyncIterator]()
    const waiting = entries.next()
    abort.abort()
    expect(await waiting).to.deep.equal({ done: true, value: undefined })
  })
})
