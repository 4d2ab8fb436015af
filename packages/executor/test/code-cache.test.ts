import { expect } from 'chai'
import type { Bundle } from '@cordon/contracts'
import { CompileProcess } from '../dist/code-cache/compile-process.js'
import { CodeCaches, minCodeLength } from '../dist/code-cache/code-caches.js'
import type { Hardening } from '../dist/hardening/hardening.js'
import { readRuntime, sandboxCommand } from '../dist/hardening/sandbox-command.js'
import { selectHardening } from '../dist/hardening/select-hardening.js'
import { startProcess } from '../dist/hardening/start-process.js'
import { Deadlines } from '../dist/sandbox/deadlines.js'
import { Sandbox, type SandboxOwner } from '../dist/sandbox/sandbox.js'
import type { SandboxProcess } from '../dist/sandbox/sandbox-process.js'
import { runBare } from './bare-sandbox.ts'
import { versionOfCode } from './harness.ts'

/** Short enough to stand in an argument, beside its cache. */
const code = Array.from({ length: 50 }, (_, n) => `(function f${n}(a) { return a + ${n} })(1)`).join(';')
const timeoutMs = 20_000

describe('a code cache', () => {
  let hardening: Hardening
  before(async () => (hardening = await selectHardening('best-effort')))

  function spawn(memoryMb: number, runtime = readRuntime()): SandboxProcess {
    return startProcess(sandboxCommand(hardening, runtime, memoryMb))
  }

  async function compile(text: string, runtime?: string): Promise<Buffer | undefined> {
    const made = new CompileProcess({ spawn: (memoryMb) => spawn(memoryMb, runtime) }, text, 64, timeoutMs)
    const cache = await made.cache
    await made.gone
    return cache
  }

  it('is made by a process that is gone afterwards, and accepted by sandboxes of the same size', async () => {
    const cache = await compile(code)
    expect(cache?.length).to.be.greaterThan(1000)
    const script = `const { Script } = require('node:vm')
      const cachedData = Buffer.from('${cache?.toString('base64')}', 'base64')
      done(new Script(${JSON.stringify(code)}, { cachedData }).cachedDataRejected)`
    expect(await runBare(hardening, script, { memoryMb: 64 })).to.include({ kind: 'result', value: false })
  })

  it('never runs the code, and is missing for code that V8 cannot read', async () => {
    expect(await compile('for (;;) {}')).to.be.instanceOf(Buffer)
    expect(await compile('(function {')).to.equal(undefined)
  })

  it('is not taken from a sandbox that sends anything else, or too much', async () => {
    const send = (bytes: string) => `new (require('node:net').Socket)({ fd: 3 }).write(${bytes}); setInterval(() => undefined, 1000)`
    for (const bytes of [
      'Buffer.alloc(100, 255)',
      'Buffer.from([255, 255, 255, 15, 46, 0, 0, 0, 0])',
      'Buffer.from([1, 0, 0, 0, 35, 0, 0, 0, 0, 1])',
    ])
      expect(await compile('1', send(bytes))).to.equal(undefined)
  })

  it('that V8 refuses does not keep a version from being loaded', async () => {
    const version = versionOfCode('handOver({ default: () => 1 })')
    const bundle = await version.loadBundle()
    const cache = await compile(bundle.code)
    const owner: SandboxOwner = {
      deadlines: new Deadlines(),
      spawned: () => undefined,
      dying: () => undefined,
      released: () => undefined,
      unstarted: () => undefined,
      died: () => undefined,
    }
    for (const bytes of [cache, Buffer.alloc(500, 1), cache?.subarray(0, 100), await compile('2')]) {
      const sandbox = new Sandbox(spawn(64), 64, owner)
      await sandbox.boot(timeoutMs)
      await sandbox.load(version, bundle, bytes)
      expect(sandbox.kind).to.equal('json')
      sandbox.kill('CLOSED', 'Cannot go on: the test is over', {})
      await sandbox.gone()
    }
    owner.deadlines.close()
  })

  it('is made in a moment for large code that was loaded, for one bundle and one size', async () => {
    const sizes: number[] = []
    let onStart: () => void = () => undefined
    const hasStarted = new Promise<void>((resolve) => (onStart = resolve))
    const spawnOne = (memoryMb: number) => {
      sizes.push(memoryMb)
      onStart()
      return spawn(memoryMb)
    }
    const caches = new CodeCaches({ spawn: spawnOne })
    const large: Bundle = { code: `1${' '.repeat(minCodeLength)}`, sourceMap: '', hash: '' }
    caches.loaded({ ...large, code: '1' }, 64, timeoutMs)
    caches.loaded(large, 64, timeoutMs)
    caches.loaded({ ...large }, 128, timeoutMs)
    await hasStarted
    await caches.idle()
    expect(sizes).to.deep.equal([64])
    expect(caches.get(large, 64)).to.be.instanceOf(Buffer)
    expect(caches.get(large, 128)).to.equal(undefined)
    expect(caches.get({ ...large }, 64)).to.equal(undefined)
    await caches.close()
    caches.loaded({ ...large }, 64, timeoutMs)
    await caches.close()
    expect(sizes).to.deep.equal([64])
  })
})
