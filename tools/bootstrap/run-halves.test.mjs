import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { createScratch } from '../test/scratch.mjs'
import { listFiles } from './run-halves.mjs'

const mocha = join(dirname(createRequire(import.meta.url).resolve('mocha/package.json')), 'bin', 'mocha.js')

describe('the suite in two halves', () => {
  it('ends with the failures of both and one closing line', () => {
    const { status, output } = run({
      'a.test.mjs': "it('is the first', () => {})",
      'b.test.mjs': "it('breaks', () => { throw new Error('broken on purpose') })",
      'c.test.mjs': "it('is the third', () => {}); it('is for later')",
    })
    expect(status).to.equal(1)
    expect(output).to.contain('is the third').and.contain('broken on purpose')
    expect(output.match(/\d+ passed, /g)).to.have.lengthOf(1)
    expect(output.trimEnd().split('\n').at(-1)).to.equal('2 passed, 1 failed, 1 skipped')
  })

  it('has no closing line when a half did not come to its end', () => {
    const { status, output } = run({
      'a.test.mjs': "it('passes', () => {})",
      'b.test.mjs': "it('takes all with it', () => process.kill(process.pid, 'SIGKILL'))",
    })
    expect(status).to.equal(1)
    expect(output).to.contain('ended by SIGKILL')
    expect(output).not.to.match(/\d+ passed, /)
  })

  it('finds files by folder and ending, not those of packages', () => {
    const scratch = createScratch({
      'p/b/t/x.test.mjs': '',
      'p/a/t/y/z.test.mjs': '',
      'p/a/t/z.mjs': '',
      'p/c/readme': '',
      'p/a/t/node_modules/n/w.test.mjs': '',
    })
    try {
      expect(listFiles(scratch.folder, [{ folder: 'p/*/t', ending: '.test.mjs' }])).to.deep.equal(
        ['p/a/t/y/z.test.mjs', 'p/b/t/x.test.mjs'].map((path) => join(scratch.folder, path)),
      )
    } finally {
      scratch.remove()
    }
  })
})

function run(files) {
  const reporter = join(import.meta.dirname, '../test/reporter.cjs')
  const program = `
    import { runHalves } from ${JSON.stringify(new URL('run-halves.mjs', import.meta.url).href)}
    process.exitCode = await runHalves(process.argv[1], process.argv.slice(2))`
  const scratch = createScratch({ ...files, '.mocharc.json': { reporter } })
  try {
    const args = ['--input-type=module', '-e', program, mocha, ...Object.keys(files)]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: scratch.folder, encoding: 'utf8' })
    return { status, output: stdout + stderr }
  } finally {
    scratch.remove()
  }
}
