import { spawnSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { bin, runCordon } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

interface Findings {
  readonly ok: boolean
  readonly findings: readonly { readonly check: string; readonly state: string; readonly message: string; readonly remedy?: string }[]
}

describe('cordon doctor', function () {
  this.timeout(60_000)
  let folder: string

  before(async () => {
    folder = await temporaryFolder('cordon-doctor-')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('looks at everything and finds nothing wrong here', async () => {
    const { code, stdout } = await runCordon(['doctor', '--json'], { cwd: folder })
    const { ok, findings } = JSON.parse(stdout) as Findings
    expect(findings.filter(({ state }) => state === 'error')).to.deep.equal([])
    expect([code, ok]).to.deep.equal([0, true])
    const checks = ['node', 'memory', 'files', 'settings', 'packages', 'sandbox', 'data', 'disk', 'database', 'port']
    expect(findings.map(({ check }) => check)).to.include.members(checks)
    expect(findings.every(({ state, remedy }) => state === 'ok' || remedy !== undefined)).to.equal(true)
  })

  it('works where nothing else does, names each thing that is wrong with its remedy, and gives exit code 1', async () => {
    await writeFile(join(folder, 'cordon.config.mjs'), "export default { limits: { timeoutMs: 'x' } }\n")
    const { code, stdout } = await runCordon(['doctor', '--data-dir', 'cordon.config.mjs/data'], { cwd: folder })
    expect(code).to.equal(1)
    expect(stdout).to.match(/\nerror settings .*limits\.timeoutMs.*\n {16}Correct it there/)
    expect(stdout).to.match(/\nerror data .*cordon\.config\.mjs is a file.*\n {16}Name another directory/)
    expect(stdout).to.match(/\n\d+ ok, \d+ to look at, 2 wrong\n$/)
  })

  it('says it first when Node cannot work at all, or a platform elsewhere does not answer', async () => {
    const env = { ...process.env, NO_COLOR: '1' }
    const narrow = spawnSync('sh', ['-c', `ulimit -v 4000000; exec '${process.execPath}' '${bin}' doctor`], { cwd: folder, env })
    expect(narrow.status).to.equal(1)
    expect(narrow.stdout.toString()).to.match(/error memory .*address space.*\n {16}Take the limit away/)
    const elsewhere = await runCordon(['doctor', '--url', 'http://127.0.0.1:1'], { cwd: folder })
    expect(elsewhere.code).to.equal(1)
    expect(elsewhere.stdout).to.match(/error platform +Cannot reach the platform/)
  })
})
