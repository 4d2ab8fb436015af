import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createAnalyzer } from '@cordon/analyzer'
import type { Bundle } from '@cordon/contracts'
import { expect } from 'chai'
import { unpack } from '../dist/deploy/unpack/unpack.js'
import { versionId } from '../dist/deploy/version-id.js'
import { tarGz, zip } from './support/archives.ts'

const partCount = 4

/** Files that give a bundler every reason to depend on order: names that collide, cycles, late imports, two packages, data. */
const files: Readonly<Record<string, string>> = {
  'index.ts': `import { help } from './a/help.ts'
import text from './note.md'
import data from './data.json'
import p from 'p'
${Array.from({ length: partCount }, (_, at) => `import { part as part${at}, type Shape${at} } from './parts/part${at}.ts'`).join('\n')}
class Quota extends Error { static of() { return new Quota(text) } }
/** @function */
export default async (input: { ${Array.from({ length: partCount }, (_, at) => `s${at}?: Shape${at}`).join('; ')}; at: Date }) => {
  const { late } = await import('./late.ts')
  return [help(), data.a, p, late(), Quota.of().message, ${Array.from({ length: partCount }, (_, at) => `part${at}(input)`).join(', ')}].length
}`,
  'a/help.ts': `import { other } from '../b/help.ts'\nexport const help = () => other`,
  'b/help.ts': `import * as a from '../a/help.ts'\nconst help = () => typeof a.help\nexport const other = help`,
  'late.ts': `import q from 'q'\nclass Quota {}\nexport const late = () => [q, Quota]`,
  'note.md': 'a note',
  'data.json': '{"a":1}',
  'node_modules/p/package.json': '{"name":"p","version":"1.0.0"}',
  'node_modules/p/index.js': `const q = require('q')\nmodule.exports = { q }`,
  'node_modules/q/package.json': '{"name":"q","version":"1.0.0"}',
  'node_modules/q/index.js': `module.exports = 'q'`,
  ...Object.fromEntries(
    Array.from({ length: partCount }, (_, at) => [
      `parts/part${at}.ts`,
      `export type Shape${at} = { kind: '${at}'; next?: Shape${at} } | null\nfunction help(value: unknown) { return value }\nexport const part = (value: unknown) => help(value)`,
    ]),
  ),
}

describe('a version', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  const folder = mkdtempSync(join(tmpdir(), 'cordon-reproducible-'))
  before(() => analyzer.warm())
  after(() => analyzer.close())
  after(() => rmSync(folder, { recursive: true }))

  let count = 0

  /** The files in some order, and one that nothing uses: an upload that is the same in every byte is not analysed again. */
  function filesIn(order: readonly string[]): [path: string, text: string][] {
    count++
    return [...order.map((path): [string, string] => [path, files[path] ?? '']), [`unused-${count}.txt`, '']]
  }

  function inFolder(name: string, time: Date, order: readonly string[]): string {
    for (const [path, text] of filesIn(order)) {
      const target = join(folder, name, path)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, text)
      utimesSync(target, time, time)
    }
    return join(folder, name)
  }

  async function make(deployment: object): Promise<{ readonly version: string; readonly bundle: Bundle }> {
    const options = { packages: { from: folder, allow: [] }, analyzer: { enforce: true, rules: {}, ruleModules: [] } }
    const { bundle, diagnostics, manifest, schemas } = await analyzer.analyze(await unpack(deployment), options)
    if (bundle === undefined) throw new Error(JSON.stringify(diagnostics, null, 1))
    return { version: versionId(bundle, manifest.config, schemas), bundle }
  }

  it('has the same bytes from any folder, order, time and form of its files', async () => {
    const paths = Object.keys(files)
    const backwards = paths.toReversed()
    const entries = (order: readonly string[], top: string) => filesIn(order).map(([path, content]) => ({ name: top + path, content }))
    const first = await make({ directory: inFolder('one', new Date(0), paths) })
    const others = await Promise.all([
      make({ files: Object.fromEntries(filesIn(backwards)) }),
      make({ directory: inFolder('two/deeper down', new Date(1e12), backwards) }),
      make({ archive: await tarGz(entries(backwards, 'top/')) }),
      make({ archive: zip(entries(backwards, 'another-top/')) }),
    ])
    for (const other of others) expect(other).to.deep.equal(first)
    expect(JSON.stringify(first)).not.to.include(folder)
  })
})
