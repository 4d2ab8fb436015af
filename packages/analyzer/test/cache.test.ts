import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAnalyzer } from '@cordon/analyzer'
import type { Reaper } from '@cordon/contracts'
import { expect } from 'chai'
import { bundleOf, options, upload } from './harness.ts'

const source = '/** @function */ export default (input: { a: string }): string => input.a'

describe('analyses of the same content', () => {
  const pids = new Set<number>()
  const reaper: Reaper = { watch: (pid) => void pids.add(pid), unwatch: () => undefined, close: async () => undefined }
  const analyzer = createAnalyzer({ processes: 1, reaper })
  after(() => analyzer.close())

  it('are made again when anything that counts is different', async () => {
    const changed = [
      await analyzer.analyze(upload({ 'index.mts': source }), options()),
      await analyzer.analyze({ ...upload(source), config: { timeoutMs: 1234 } }, options()),
      await analyzer.analyze(upload(`${source} + 1`), options()),
      await analyzer.analyze(upload(source.replace(': string =>', ': number =>')), options({ rules: { types: 'error' } })),
    ]
    expect(changed.map((one) => [one.ok, one.manifest.entry, one.manifest.config.timeoutMs === 1234])).to.deep.equal([
      [true, 'index.mts', false],
      [true, 'index.ts', true],
      [true, 'index.ts', false],
      [false, 'index.ts', false],
    ])
    expect(changed[2]?.bundle?.code).to.include('+ 1')
  })

  it('are made again when packages of the host take part, which may have changed', async () => {
    const from = await mkdtemp(join(tmpdir(), 'cordon-cache-'))
    const folder = join(from, 'node_modules', 'answer')
    try {
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'package.json'), '{ "name": "answer", "version": "1.0.0", "main": "index.js" }')
      const importing = `import answer from 'answer'\n/** @function */ export default () => answer`
      const bundled = async (value: string) => {
        await writeFile(join(folder, 'index.js'), `module.exports = '${value}'`)
        return bundleOf(await analyzer.analyze(upload(importing), options({ from, allow: ['answer'] }))).code
      }
      expect(await bundled('first answer')).to.include('first answer')
      expect(await bundled('second answer')).to.include('second answer')
    } finally {
      await rm(from, { recursive: true })
    }
  })

  // The last one: the process is gone then.
  it('need no process, and are copies', async () => {
    const first = await analyzer.analyze(upload(source), options())
    const text = JSON.stringify(first)
    Object.assign(first.schemas, { input: { changed: true } })
    const started = pids.size
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    for (let round = 0; round < 2; round++) expect(JSON.stringify(await analyzer.analyze(upload(source), options()))).to.equal(text)
    expect(pids.size).to.equal(started)
  })
})
