import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const packageDirectory = fileURLToPath(new URL('..', import.meta.url))
const targets = ['x64', 'arm64'] as const
/** e_machine of the ELF header, by target (elf.h). */
const machines = { x64: 62, arm64: 183 }

describe('the launcher program', function () {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-build-'))
  after(() => rmSync(directory, { recursive: true, force: true }))

  for (const target of targets) {
    const committed = join(packageDirectory, 'prebuilt', `linux-${target}`)

    it(`is a static program without an interpreter for ${target}`, function () {
      const bytes = readFileSync(join(committed, 'cordon-launcher'))
      expect(bytes.toString('latin1', 0, 4)).to.equal('\x7fELF')
      expect(bytes.readUInt16LE(18)).to.equal(machines[target])
      const offset = Number(bytes.readBigUInt64LE(32))
      const types = Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => bytes.readUInt32LE(offset + index * 56))
      expect(types, 'PT_DYNAMIC and PT_INTERP').not.to.include.members([2]).and.not.include.members([3])
      expect(bytes.length).to.be.below(40_000)
    })

    it(`is rebuilt from its source for ${target}`, function () {
      const script = `
        import { buildLauncher, compilerVersion } from ${JSON.stringify(new URL('../launcher/build.mjs', import.meta.url))}
        const version = compilerVersion('${target}')
        if (version !== undefined) buildLauncher('${target}', ${JSON.stringify(directory)})
        console.log(JSON.stringify(version ?? null))`
      const version: unknown = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }))
      if (version === null) this.skip()
      const built = join(directory, `linux-${target}`, 'cordon-launcher')
      if (version === readFileSync(join(committed, 'compiler.txt'), 'utf8')) {
        expect(readFileSync(built).equals(readFileSync(join(committed, 'cordon-launcher'))), 'the same bytes').to.be.true
      } else if (target === process.arch) {
        // Another compiler gives other bytes: then they have to behave alike.
        expect(answers(built)).to.deep.equal(answers(join(committed, 'cordon-launcher')))
      }
    })
  }
})

function answers(program: string): string[] {
  const options = [`--parent=${process.pid}`, '--data=100000000', '--files=64', '--check', '--', '/dev/zero', '/nowhere', '9']
  return spawnSync(program, options, { encoding: 'utf8', env: {}, cwd: '/' }).stdout.split('\n')
}
