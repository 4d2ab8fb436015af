import { PlatformError } from '@cordon/contracts'
import type { createExecutor } from '@cordon/executor'
import { expect } from 'chai'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))

describe('an installation with parts missing', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cordon-installation-'))
    const copy = join(folder, 'executor')
    await mkdir(copy)
    for (const part of ['package.json', 'dist', 'prebuilt']) await cp(join(packageFolder, part), join(copy, part), { recursive: true })
    await symlink(join(packageFolder, '../../node_modules'), join(folder, 'node_modules'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  async function start(hardening: 'required' | 'best-effort'): Promise<unknown> {
    const url = pathToFileURL(join(folder, 'executor/dist/index.js')).href
    const copy = (await import(url)) as { createExecutor: typeof createExecutor }
    try {
      await (await copy.createExecutor({ hardening })).destroy()
      return undefined
    } catch (error) {
      return error
    }
  }

  it('is refused without the runtime, and says how to get it', async () => {
    await rm(join(folder, 'executor/dist/runtime.js'))
    const error = await start('best-effort')
    expect(error).to.be.instanceOf(PlatformError).with.property('code', 'SANDBOX_FAILED')
    expect(error).to.have.property('message').that.contains('npm run build')
  })

  it('is refused without the launcher where hardening is required, and says what is missing', async () => {
    await rm(join(folder, 'executor/prebuilt'), { recursive: true })
    const error = await start('required')
    expect(error).to.be.instanceOf(PlatformError).with.property('code', 'HARDENING_UNAVAILABLE')
    expect(error)
      .to.have.property('message')
      .that.matches(/launcher/)
  })

  it('falls back to the basic level without the launcher where hardening is not required', async () => {
    await rm(join(folder, 'executor/prebuilt'), { recursive: true })
    expect(await start('best-effort')).to.equal(undefined)
  })

  it('is refused without a directory for temporary files, says so, and works once there is one', async () => {
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = join(folder, 'nowhere')
    try {
      const error = await start('required')
      expect(error).to.be.instanceOf(PlatformError).with.property('code', 'HARDENING_UNAVAILABLE')
      expect(error).to.have.property('message').that.contains('TMPDIR')
      expect(await start('best-effort')).to.equal(undefined)
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    }
    expect(await start('required')).to.equal(undefined)
  })
})
