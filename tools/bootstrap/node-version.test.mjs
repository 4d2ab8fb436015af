import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { transform } from 'esbuild'
import { describeOldNode, minimumNode } from './node-version.mjs'
import { root } from './setup.mjs'

const run = promisify(execFile)
const entries = ['node-version.mjs', 'start.mjs', 'test.mjs', 'build.mjs']

describe('the Node version', () => {
  it('is checked from 20.19 on', () => {
    for (const version of ['12.22.0', '18.20.8', '20.18.3'])
      expect(describeOldNode(version, 'npm start')).to.include(`this is Node ${version}, and Cordon needs Node 20.19`)
    for (const version of ['20.19.0', '20.20.2', '22.0.0', '24.21.0', '100.0.0']) expect(describeOldNode(version, 'npm start')).to.equal(null)
  })

  it('is the one that package.json asks for', () => {
    expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node).to.equal(`>=${minimumNode.join('.')}.0`)
  })

  it('is checked by files that an old Node can parse', async () => {
    for (const name of entries) {
      const text = readFileSync(join(root, 'tools', 'bootstrap', name), 'utf8')
      const old = await transform(text, { target: 'node12.20', format: 'esm', minifySyntax: false })
      const same = await transform(text, { target: 'esnext', format: 'esm' })
      expect(old.code, name).to.equal(same.code)
      expect(text, `${name} imports nothing that runs before the check`).not.to.match(/^import .* from '(?!\.\/node-version\.mjs)/m)
    }
  })

  it('ends an old Node with one sentence and exit code 1', async () => {
    const script = `
      Object.defineProperty(process, 'versions', { value: { node: '18.20.8' } })
      import(${JSON.stringify(join(root, 'tools', 'bootstrap', 'start.mjs'))})`
    const failure = await run(process.execPath, ['-e', script]).catch((error) => error)
    expect(failure.code).to.equal(1)
    expect(failure.stdout).to.equal('')
    expect(failure.stderr).to.equal(
      'Cannot start: this is Node 18.20.8, and Cordon needs Node 20.19 or newer. Install it (https://nodejs.org), then run "npm start" again.\n',
    )
  })
})
