import { spawnSync } from 'node:child_process'
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { runCordon } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))

describe('cordon init', () => {
  const templates = ['simple', 'http', 'database']
  let folder: string

  before(async () => {
    folder = await temporaryFolder('cordon-init-')
    // What `npm install` does, without a network.
    await symlink(modules, join(folder, 'node_modules'), 'dir')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('makes a project of each template, and says what comes next', async () => {
    for (const template of templates) {
      const { code, stdout, stderr } = await runCordon(['init', `My ${template}`, '--template', template], { cwd: folder })
      expect([code, stdout]).to.deep.equal([0, stdout.replace(/^(?!created My )/, '')])
      expect(stderr).to.match(/Next:\n {2}cd "My .*"\n {2}npm install\n {2}npm test\n {2}npx cordon dev\n$/)
      const manifest = JSON.parse(await readFile(join(folder, `My ${template}`, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
      expect(manifest['name']).to.equal(`my-${template}`)
      const own = JSON.parse(await readFile(join(modules, '..', 'package.json'), 'utf8')) as Record<string, Record<string, string>>
      for (const name of ['typescript', '@types/node']) expect(manifest['devDependencies']?.[name]).to.equal(own['devDependencies']?.[name])
      expect(await readFile(join(folder, `My ${template}`, 'README.md'), 'utf8')).not.to.contain('{{')
    }
  })

  it('makes projects whose tests pass and whose types fit', async function () {
    this.timeout(120_000)
    const { code, stdout } = await runCordon(['test'], { cwd: folder })
    expect(stdout).to.match(/pass 8\n/)
    expect(code).to.equal(0)
    for (const template of templates) {
      const { stdout: found, status } = spawnSync(process.execPath, [join(modules, 'typescript/bin/tsc')], { cwd: join(folder, `My ${template}`) })
      expect([found.toString(), status]).to.deep.equal(['', 0])
    }
  })

  it('writes over nothing, and leaves nothing behind when it refuses', async () => {
    const own = join(folder, 'own')
    await runCordon(['init', 'own'], { cwd: folder })
    await rm(join(own, 'tsconfig.json'))
    await writeFile(join(own, 'package.json'), 'mine')
    const before = await readdir(own)
    const { code, stderr } = await runCordon(['init'], { cwd: own })
    expect(code).to.equal(2)
    expect(stderr).to.match(/^Cannot create a project in ".*own": .*package\.json.* exist already\. /)
    expect(await readdir(own)).to.deep.equal(before)
    expect(await readFile(join(own, 'package.json'), 'utf8')).to.equal('mine')
    // In /proc nothing can be made, and mkdir with `recursive` never returns.
    if (process.platform === 'linux') expect((await runCordon(['init', '/proc/absent/project'], { cwd: folder })).code).to.equal(2)
    expect((await runCordon(['init', 'other', '--template', 'toString'], { cwd: folder })).code).to.equal(2)
  })
})
