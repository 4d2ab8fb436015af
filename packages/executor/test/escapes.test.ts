import { createExecutor } from '@cordon/executor'
import { expect } from 'chai'
import { probeLauncher } from '../dist/hardening/launcher.js'
import { escapes, expectNothing, inBareSandboxes, inFunctions, readEscapes } from './escape-files.ts'

describe('public escapes', function () {
  this.timeout(120_000)
  before(function () {
    if (process.platform !== 'linux') return this.skip()
  })

  it('are all in the manifest, once', () => {
    expect(new Set(escapes.map(({ name }) => name)).size).to.equal(escapes.length)
    for (const [file, text] of readEscapes()) {
      if (file === 'plunder.mjs') continue
      const names = Array.from(text.matchAll(/^ {2}'?([a-z0-9-]+)'?: (?:async )?\(/gm), ([, name]) => name)
      expect(escapes.filter((escape) => escape.file === file).map(({ name }) => name)).to.have.members(names)
    }
  })

  it('get nowhere from a function, nor to what stands behind its globals', async () => {
    const executor = await createExecutor({ spares: 3, hardening: 'required' })
    const findings = await inFunctions(executor, escapes, readEscapes())
    await executor.destroy()
    expectNothing(findings)
  })

  it('get nowhere behind the launcher when the runtime is not there to hide anything', async () => {
    const probe = await probeLauncher()
    if (probe.kind === 'unavailable') throw new Error(JSON.stringify(probe.missing))
    // Those of the language gain nothing there.
    const { evidence } = await inBareSandboxes(
      probe.hardening,
      escapes.filter(({ file }) => file !== 'language.mjs'),
    )
    expect(evidence).to.deep.equal([])
  })
})
