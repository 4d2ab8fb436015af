import { createAnalyzer } from '@cordon/analyzer'
import type { Diagnostic } from '@cordon/contracts'
import { expect } from 'chai'
import { checkBundle, type BundleCheck } from '../dist/child/check-bundle.js'
import { call, options, upload } from './harness.ts'

describe('code of packages', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  after(() => analyzer.close())

  async function findings(files: Record<string, string>): Promise<Diagnostic[]> {
    const uploaded = {
      'index.ts': `import { run } from 'p'\n/** @function */ export default () => run()`,
      'node_modules/p/package.json': '{ "name": "p", "version": "1.2.3" }',
      ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`node_modules/p/${path}`, text])),
    }
    const analysis = await analyzer.analyze(upload(uploaded), options())
    expect(analysis.ok).to.equal(true)
    return analysis.diagnostics.filter(({ rule }) => rule === 'package-code')
  }

  it('is summed up: one warning for each package and kind of finding, never an error', async () => {
    const found = await findings({
      'index.js': `import { two } from './b.js'\nexport const run = () => [eval('1'), new Function('return 1')(), two(), process.binding]`,
      'b.js': `export const two = () => globalThis['ev' + 'al']('2')`,
    })
    expect(found.map(({ severity, file, message }) => [severity, file, /\((.*)\)/.exec(message)?.[1]])).to.have.deep.members([
      ['warn', 'node_modules/p/b.js', 'no-eval: 3 places in 2 files'],
      ['warn', 'node_modules/p/index.js', 'process-access: 1 place in 1 file'],
    ])
  })

  it('is left alone when it does nothing of that, and when it is not part of the bundle', async () => {
    expect(
      await findings({ 'index.js': `export const run = () => 1\nexport class A { constructor() { this.process = process.env } }` }),
    ).to.deep.equal([])
    expect(
      await findings({
        'index.js': `export { run } from './a.js'`,
        'a.js': 'export const run = () => 1',
        'b.js': `export const no = () => eval('1')`,
      }),
    ).to.deep.equal([])
  })

  it('runs as before', async () => {
    const analysis = await analyzer.analyze(
      upload({
        'index.ts': `import p from 'p'\n/** @function */ export default () => p()`,
        'node_modules/p/index.js': `module.exports = () => new Function('return 7')()`,
        'node_modules/p/package.json': '{ "name": "p" }',
      }),
      options(),
    )
    expect(await call(analysis)).to.equal(7)
  })
})

describe('the last look at a bundle', () => {
  function look(code: string, sources: Record<string, string>, included = Object.keys(sources)): string {
    const said: string[] = []
    const files = Object.keys(sources).map((path) => ({ path }))
    const reporter = { add: ({ message }: { message: string }) => void said.push(message) }
    const bytes = new Map(Object.entries(sources).map(([path, text]) => [path, new TextEncoder().encode(text)]))
    const bundled = { code, sources: bytes, codeFiles: new Set(included), included: new Set(included) }
    const given = { entry: 'index.js', parsed: { files }, validators: undefined, reporter }
    return checkBundle(bundled as unknown as Parameters<typeof checkBundle>[0], given as unknown as BundleCheck) === undefined
      ? (said[0] ?? '')
      : 'taken'
  }

  it('takes what comes of the source', () => {
    expect(look('const a = "import(1)"; eval("1")', { 'index.js': 'eval("1")' })).to.equal('taken')
    expect(look('eval("1")', { 'index.js': '\\u0065val("1")' })).to.equal('taken')
    expect(look('(function () { return new.target })()', { 'index.js': '' })).to.equal('taken')
  })

  it('refuses imports that are left, code that makes code where no source does, files no rule has seen, and what is no script', () => {
    expect(look('import("x")', { 'index.js': '' })).to.match(/an import is left/)
    expect(look('const a = import.meta', { 'index.js': '' })).to.match(/an import is left/)
    expect(look('eval("1")', { 'index.js': 'evaluate("1")' })).to.match(/turns text into code/)
    expect(look('1', { 'index.js': '' }, ['index.js', 'other.js'])).to.match(/"other.js" was not checked/)
    expect(look('const =', { 'index.js': '' })).to.match(/not valid code/)
  })
})
