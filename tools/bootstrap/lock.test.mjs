import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createScratch } from '../test/scratch.mjs'
import { withLock } from './lock.mjs'

const module = fileURLToPath(new URL('./lock.mjs', import.meta.url))

describe('the lock of the set-up', () => {
  let scratch
  let path

  beforeEach(() => {
    scratch = createScratch()
    path = join(scratch.folder, '.bootstrap.lock')
  })

  afterEach(() => scratch.remove())

  it('is there while the work runs, gives its result on and is gone afterwards', async () => {
    expect(await withLock(path, async () => existsSync(path))).to.equal(true)
    expect(readdirSync(scratch.folder)).to.deep.equal([])
  })

  it('is gone after work that failed', async () => {
    const failure = await withLock(path, () => Promise.reject(new Error('no'))).catch((error) => error)
    expect(failure.message).to.equal('no')
    expect(readdirSync(scratch.folder)).to.deep.equal([])
  })

  it('lets one process after the other work', async () => {
    const journal = join(scratch.folder, 'journal')
    const code = `
      import { appendFileSync } from 'node:fs'
      import { withLock } from ${JSON.stringify(module)}
      await withLock(${JSON.stringify(path)}, async () => {
        appendFileSync(${JSON.stringify(journal)}, 'in\\n')
        await new Promise((resolve) => setImmediate(resolve))
        appendFileSync(${JSON.stringify(journal)}, 'out\\n')
      })`
    const children = Array.from({ length: 6 }, () => spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' }))
    const codes = await Promise.all(children.map((child) => once(child, 'exit')))
    expect(codes.map(([exitCode]) => exitCode)).to.deep.equal([0, 0, 0, 0, 0, 0])
    expect(readFileSync(journal, 'utf8')).to.equal('in\nout\n'.repeat(6))
  })

  it('is taken over from an owner that was killed', async () => {
    const code = `
      import { withLock } from ${JSON.stringify(module)}
      await withLock(${JSON.stringify(path)}, () => {
        process.stdout.write('locked')
        return new Promise(() => setInterval(() => {}, 1e6))
      })`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(owner.stdout, 'data')
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    expect(existsSync(path)).to.equal(true)
    expect(await withLock(path, async () => 'mine')).to.equal('mine')
  })

  it('is held on by a child that outlives its owner', async () => {
    const code = `
      import { spawn } from 'node:child_process'
      import { withLock } from ${JSON.stringify(module)}
      await withLock(${JSON.stringify(path)}, (share) => {
        const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['inherit', 'ignore', 'ignore'], detached: true })
        share(child.pid)
        process.stdout.write('locked')
        return new Promise(() => setInterval(() => {}, 1e6))
      })`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(owner.stdout, 'data')
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const events = []
    const second = withLock(path, async () => events.push('second works'))
    // One look at the lock has certainly been taken: it happens before the first await of withLock.
    events.push('child still holds it')
    owner.stdin.end()
    await second
    expect(events).to.deep.equal(['child still holds it', 'second works'])
  })

  for (const [what, content] of Object.entries({
    'is damaged': '{"pid"',
    'names a recycled pid': JSON.stringify([{ pid: process.pid, startedAt: '1' }]),
  })) {
    it(`is taken over when it ${what}`, async function () {
      if (what.includes('recycled') && !existsSync('/proc/self/stat')) this.skip()
      scratch.write('.bootstrap.lock', content)
      expect(await withLock(path, async () => 'mine')).to.equal('mine')
    })
  }
})
