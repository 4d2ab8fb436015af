import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { dataDirError, prepareDataDir } from '../dist/data-dir/data-dir.js'
import { lockDataDir } from '../dist/data-dir/lock.js'
import { checkNodeVersion } from '../dist/platform/node-version.js'
import { rejection } from './support/rejection.ts'

const holder = fileURLToPath(new URL('../test/fixtures/hold-lock.mjs', import.meta.url))

describe('data directory', () => {
  let root: string
  let children: ChildProcess[]

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cordon-lock-'))
    children = []
  })
  afterEach(async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const exit = once(child, 'exit')
        child.kill('SIGKILL')
        await exit
      }),
    )
    rmSync(root, { recursive: true, force: true })
  })

  function start(): ChildProcess {
    const child = fork(holder, [root])
    children.push(child)
    return child
  }

  it('is locked by one process and free after the release, with nothing left behind', async () => {
    const lock = await lockDataDir(root)
    await lock.release()
    await lock.release()
    expect(readdirSync(root)).to.deep.equal([])
  })

  it('names the process that holds it', async () => {
    const child = start()
    await once(child, 'message')
    const error = await rejection(lockDataDir(root, 0), 'DATA_DIR_IN_USE')
    expect(error.message).to.contain(`process ${child.pid}`).and.contain(root)
    expect(error.details['pid']).to.equal(child.pid)
    expect(readdirSync(root)).to.deep.equal(['lock'])
  })

  it('waits for a holder that is restarting', async () => {
    const child = start()
    await once(child, 'message')
    const waiting = lockDataDir(root)
    child.send('release')
    await (await waiting).release()
  })

  it('takes the lock of a killed process', async () => {
    const child = start()
    await once(child, 'message')
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    expect(existsSync(join(root, 'lock'))).to.equal(true)
    await (await lockDataDir(root, 0)).release()
  })

  it('takes the lock of a process whose pid somebody else has now', async function () {
    if (process.platform !== 'linux') this.skip()
    writeFileSync(join(root, 'lock'), JSON.stringify({ pid: process.pid, startTime: '1' }))
    await (await lockDataDir(root, 0)).release()
  })

  for (const text of ['', 'garbage', '{"pid":"x"}', '{"pid":-1}', '[]']) {
    it(`takes a lock that holds ${JSON.stringify(text)}`, async () => {
      writeFileSync(join(root, 'lock'), text)
      writeFileSync(join(root, 'lock.takeover'), text)
      await (await lockDataDir(root, 0)).release()
    })
  }

  it('goes to exactly one of many that find a stale lock', async () => {
    writeFileSync(join(root, 'lock'), JSON.stringify({ pid: 1, startTime: 'never' }))
    let holders = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = await lockDataDir(root, 20_000)
        holders += 1
        most = Math.max(most, holders)
        await new Promise((resolve) => setImmediate(resolve))
        holders -= 1
        await lock.release()
      }),
    )
    expect(most).to.equal(1)
    expect(readdirSync(root)).to.deep.equal([])
  })

  it('is created with its parents', async () => {
    await prepareDataDir(join(root, 'a/b'))
    expect(existsSync(join(root, 'a/b'))).to.equal(true)
  })

  it('says what to do when a part of the path is a file', async () => {
    writeFileSync(join(root, 'file'), '')
    expect((await rejection(prepareDataDir(join(root, 'file/data')), 'INVALID_OPTION')).message).to.contain('Set dataDir to another directory')
    expect((await rejection(prepareDataDir(join(root, 'file')), 'INVALID_OPTION')).message).to.contain('Set dataDir to another directory')
  })

  it('says so where nothing can ever be created', async function () {
    if (process.platform !== 'linux') return this.skip()
    await rejection(prepareDataDir('/proc/self/cordon/data'), 'INVALID_OPTION')
  })

  it('says what to do when it cannot be written', async () => {
    chmodSync(root, 0o500)
    // Root may write anywhere: there only the sentence is looked at.
    const isRoot = process.getuid?.() === 0
    const denied = Object.assign(new Error('permission denied'), { code: 'EACCES' })
    const attempts = isRoot ? [Promise.reject(dataDirError(root, denied))] : [prepareDataDir(join(root, 'data')), lockDataDir(root)]
    for (const attempt of attempts) expect((await rejection(attempt, 'INVALID_OPTION')).message).to.contain('Change its owner or mode')
  })

  it('refuses a Node that is too old', async () => {
    const error = await rejection(() => checkNodeVersion('18.20.4'), 'INVALID_OPTION')
    expect(error.message).to.equal('Cannot start on Node 18.20.4: Cordon needs Node 20.19 or newer. Install a newer Node')
    await rejection(() => checkNodeVersion('20.18.3'), 'INVALID_OPTION')
    for (const version of ['20.19.0', '22.0.0', '24.11.1']) checkNodeVersion(version)
  })
})
