import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { SourceMap } from 'node:module'
import { createAnalyzer } from '@cordon/analyzer'
import { expect } from 'chai'
import { bundleOf, call, load, options, rulesOf, upload } from './harness.ts'

describe('bundle', () => {
  const analyzer = createAnalyzer()
  const folder = mkdtempSync(join(tmpdir(), 'cordon-analyzer-'))
  after(() => analyzer.close())
  after(() => rmSync(folder, { recursive: true }))

  function write(path: string, text: string): string {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
    return join(folder, path)
  }

  async function run(files: string | Record<string, string>, change: Parameters<typeof options>[0] = {}): Promise<unknown> {
    const analysis = await analyzer.analyze(upload(files), options(change))
    expect(rulesOf(analysis, 'error'), JSON.stringify(analysis.diagnostics, null, 1)).to.deep.equal([])
    return call(analysis)
  }

  const mark = '/** @function */ '
  const forms: Record<string, { files: Record<string, string>; result: unknown }> = {
    CommonJS: { files: { 'index.cjs': `const { join } = require('path')\n${mark}module.exports = () => join('a', 'b')` }, result: 'a/b' },
    'compiled TypeScript': {
      files: {
        'index.js': `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nexports.default = void 0;\nconst h = () => 1;\n${mark}exports.default = h;`,
      },
      result: 1,
    },
    'a CommonJS file imported by an ES module': {
      files: { 'index.mjs': `import a, { b } from './c.cjs'\n${mark}export default () => [a.b, b]`, 'c.cjs': 'exports.b = 2' },
      result: [2, 2],
    },
    'built-ins in every form': {
      files: {
        'index.ts': `import path, { join } from 'node:path'\nimport * as all from 'path'\nimport events, { once } from 'node:events'\n${mark}export default async () => [path.join === join, all.join === join, typeof events, typeof once, (await import('node:url')).URL === URL]`,
      },
      result: [true, true, 'function', 'function', true],
    },
    'JSON and text': {
      files: {
        'index.ts': `import data from './a.json'\nimport text from './a.md'\nimport raw from './b.dat' with { type: 'text' }\n${mark}export default () => [data.a, text, raw]`,
        'a.json': '{"a":1}',
        'a.md': '# hi',
        'b.dat': 'raw',
      },
      result: [1, '# hi', 'raw'],
    },
    TSX: {
      files: {
        'index.tsx': `/** @jsxRuntime classic */\n/** @jsx h */\nfunction h(tag: string, props: unknown, ...children: unknown[]) { return [tag, props, ...children] }\n${mark}export default () => <b id="a">x</b>`,
      },
      result: ['b', { id: 'a' }, 'x'],
    },
    'top-level await and import.meta': {
      files: { 'index.ts': `const a = await Promise.resolve(1)\n${mark}export default () => [a, import.meta.url, import.meta.dirname]` },
      result: [1, 'file:///upload/index.js', undefined],
    },
    'files by the extension of their output, and folders': {
      files: {
        'index.ts': `import { a } from './a.js'\nimport { b } from './b'\n${mark}export default () => a + b`,
        'a.ts': 'export const a = 1',
        'b/index.ts': 'export const b = 2',
      },
      result: 3,
    },
    'a lazily imported file': {
      files: { 'index.ts': `${mark}export default async () => (await import('./a.ts')).a`, 'a.ts': 'export const a = await Promise.resolve(4)' },
      result: 4,
    },
    'names that the wrapper uses': {
      files: {
        'index.ts': `const builtin = 1, handOver = 2, __cordon_builtin = 3, __cordon_meta = 4, require = 5\n${mark}export default () => builtin + handOver + __cordon_builtin + __cordon_meta + require`,
      },
      result: 15,
    },
    'package.json#main and #imports': {
      files: {
        'package.json': '{"main":"./src/a.ts","imports":{"#b":"./src/b.ts"}}',
        'src/a.ts': `import { b } from '#b'\n${mark}export default () => b`,
        'src/b.ts': 'export const b = 6',
      },
      result: 6,
    },
    'a package of the upload, through exports': {
      files: {
        'index.ts': `import { a } from 'p'\nimport { s } from 'p/sub/x'\n${mark}export default () => [a, s]`,
        'node_modules/p/package.json':
          '{"name":"p","version":"1.2.3","exports":{".":{"require":"./r.cjs","import":"./i.mjs"},"./sub/*":"./s/*.mjs"}}',
        'node_modules/p/r.cjs': 'exports.a = "cjs"',
        'node_modules/p/i.mjs': 'export const a = "esm"',
        'node_modules/p/s/x.mjs': 'export const s = 1',
      },
      result: ['esm', 1],
    },
  }
  for (const [name, { files, result }] of Object.entries(forms)) {
    it(`bundles ${name}`, async () => expect(await run(files)).to.deep.equal(result))
  }

  it('leaves out an import that is only used as a type', async () => {
    const files = {
      'index.ts': `import schema from './schema'\n/** @function */ export default (input: typeof schema) => 1`,
      'schema.ts': 'export default { a: 1 }',
    }
    expect(await call(await analyzer.analyze(upload(files), options()))).to.equal(1)
  })

  it('lists the packages of the upload with their versions', async () => {
    const { manifest } = await analyzer.analyze(upload(forms['a package of the upload, through exports']?.files ?? {}), options())
    expect(manifest.packages).to.deep.equal([{ name: 'p', version: '1.2.3' }])
  })

  it('leaves classes their names', async () => {
    const files = {
      'index.ts': `import { Quota as Other } from './a.ts'
class Quota extends Error { constructor() { super(); this.name = new.target.name } static of() { return new Quota() } }
class Own { static make() { return new Own() } static get name() { return 'mine' } }
const Bound = class { static make() { return new Bound() } }
const Inner = class Given extends Other { a = 1 }
class $Dollar$ { static make() { return new $Dollar$() } }
function nested() { class Quota { static a = 1 } return Quota }
const Money = class _Money {}
let a; a = class _a {}
const Price = class Quota { static make() { return new Quota() } }
const names = [Quota.of(), new Other(), new Bound(), new Inner(), new $Dollar$(), new (nested())(), new Money(), new a(), Price.make()].map((one) => one.constructor.name)
${mark}export default () => [...names, Own.name]`,
      'a.ts': 'export class Quota {}',
    }
    expect(await run(files)).to.deep.equal(['Quota', 'Quota', 'Bound', 'Given', '$Dollar$', 'Quota', '_Money', '_a', 'Quota', 'mine'])
  })

  it('leaves texts what they are that look like its own classes', async () => {
    const text = [
      '',
      'var Foo = class _Foo {',
      '  let Foo2 = class _Foo extends Bar {',
      'class Foo2 {',
      'Foo2 = class {',
      'Foo = class _Foo {',
      '',
    ].join('\n')
    const files = {
      'index.ts': `class Foo { static a = () => Foo }\n${mark}export default (part) => [\`${text}\`, \`\${part}${text}\${Foo.a().name}\`]`,
    }
    expect(await run(files)).to.deep.equal([text, `undefined${text}Foo`])
  })

  it('maps every place to the user’s own file and line', async () => {
    const files = {
      'src/index.ts': `import { fail } from './deep/fail.ts'\n${mark}export default () => fail()`,
      'src/deep/fail.ts': `interface A { a: 1 }\n\nexport function fail(): never {\n  throw new Error('here')\n}`,
      'package.json': '{"main":"src/index.ts"}',
    }
    const analysis = await analyzer.analyze(upload(files), options())
    const { code, sourceMap } = bundleOf(analysis)
    const parsed: unknown = JSON.parse(sourceMap)
    expect(parsed).to.have.property('sources').that.includes.members(['src/index.ts', 'src/deep/fail.ts'])
    const line = code.split('\n').findIndex((one) => one.includes('new Error'))
    const map = new SourceMap(JSON.parse(sourceMap))
    const found = map.findEntry(line, code.split('\n')[line]?.indexOf('throw') ?? 0)
    expect(found).to.include({ originalSource: 'src/deep/fail.ts', originalLine: 3, originalColumn: 2 })
  })

  it('gives the same bytes wherever the packages are', async () => {
    const code = `import { a } from 'p'\n${mark}export default () => a`
    const bundles = []
    for (const place of ['one', 'two/deeper']) {
      write(`${place}/node_modules/p/package.json`, '{"name":"p","version":"1.0.0","main":"a.js"}')
      write(`${place}/node_modules/p/a.js`, 'export const a = 1')
      bundles.push(bundleOf(await analyzer.analyze(upload(code), options({ from: join(folder, place), allow: ['p'] }))))
    }
    expect(bundles[0]).to.deep.equal(bundles[1])
    expect(JSON.stringify(bundles[0])).not.to.include(folder)
  })

  it('lets an allowed package use the packages it depends on, and no others', async () => {
    write('deps/node_modules/p/package.json', '{"name":"p","version":"1.0.0","main":"a.js","dependencies":{"q":"1"}}')
    write('deps/node_modules/p/a.js', `export { q } from 'q'`)
    write('deps/node_modules/q/package.json', '{"name":"q","version":"2.0.0","main":"q.js"}')
    write('deps/node_modules/q/q.js', 'export const q = 7')
    const change = { from: join(folder, 'deps'), allow: ['p'] }
    expect(await run(`import { q } from 'p'\n${mark}export default () => q`, change)).to.equal(7)
    expect(rulesOf(await analyzer.analyze(upload(`import { q } from 'q'\n${mark}export default () => q`), options(change)), 'error')).to.deep.equal([
      'imports',
    ])
  })

  it('lets an allowed package import another allowed one that it does not declare', async () => {
    write('undeclared/node_modules/p/package.json', '{"name":"p","version":"1.0.0","main":"a.js"}')
    write('undeclared/node_modules/p/a.js', `export { q } from 'q'`)
    write('undeclared/node_modules/q/package.json', '{"name":"q","version":"2.0.0","main":"q.js"}')
    write('undeclared/node_modules/q/q.js', 'export const q = 7')
    const change = { from: join(folder, 'undeclared'), allow: ['p', 'q'] }
    expect(await run(`import { q } from 'p'\n${mark}export default () => q`, change)).to.equal(7)
  })

  it('takes the build for workers of a package whose build for Node needs more than a function has', async () => {
    write('flavours/node_modules/p/package.json', '{"name":"p","version":"1.0.0","exports":{"worker":"./worker.js","node":"./node.js"}}')
    write('flavours/node_modules/p/worker.js', `export const kind = 'worker'`)
    write('flavours/node_modules/p/node.js', `import http from 'node:http'\nexport const kind = http`)
    write('flavours/node_modules/q/package.json', '{"name":"q","version":"1.0.0","exports":{"node":"./node.js","default":"./other.js"}}')
    write('flavours/node_modules/q/node.js', `export const kind = 'node'`)
    write('flavours/node_modules/q/other.js', `export const kind = 'other'`)
    const change = { from: join(folder, 'flavours'), allow: ['p', 'q'] }
    expect(await run(`import { kind } from 'p'\n${mark}export default () => kind`, change)).to.equal('worker')
    expect(await run(`import { kind } from 'q'\n${mark}export default () => kind`, change)).to.equal('node')
  })

  it('takes the build for browsers of a package that has none for workers', async () => {
    const browser = { './lib/a': './lib/a.browser', './lib/b.js': './lib/b.browser.js', './lib/c.js': '../../../outside.js', http: false }
    write('browsers/node_modules/p/package.json', JSON.stringify({ name: 'p', version: '1.0.0', main: 'node.js', module: './lib/index.js', browser }))
    write('browsers/node_modules/p/node.js', `module.exports = require('http')`)
    write('browsers/node_modules/p/lib/index.js', `export * from './a'\nexport * from './b.js'\nexport * from './c.js'\nexport { d } from 'q'`)
    for (const name of ['a', 'b']) {
      write(`browsers/node_modules/p/lib/${name}.js`, `import http from 'node:http'\nexport const ${name} = http`)
      write(`browsers/node_modules/p/lib/${name}.browser.js`, `export const ${name} = '${name}'`)
    }
    write('browsers/node_modules/p/lib/c.js', `export const c = 'c'`)
    write('browsers/outside.js', `export const c = 'outside'`)
    write('browsers/node_modules/q/package.json', '{"name":"q","version":"1.0.0","exports":{"browser":"./d.js","import":"./node.js"}}')
    write('browsers/node_modules/q/d.js', `export const d = 'd'`)
    const change = { from: join(folder, 'browsers'), allow: ['p', 'q'] }
    expect(await run(`import { a, b, c, d } from 'p'\n${mark}export default () => a + b + c + d`, change)).to.equal('abcd')
  })

  it('looks computed imports up when they run, when rules are only warnings', async () => {
    const source = `const pick = (name: string) => name\n${mark}export default async (name: string) => (await import(pick(name))).sep`
    const analysis = await analyzer.analyze(upload(source), options({ enforce: false }))
    expect(rulesOf(analysis, 'error')).to.deep.equal([])
    expect(await call(analysis, 'path')).to.equal('/')
  })

  it('loads no module that was refused when rules are only warnings, but says so when it is used', async () => {
    const analysis = await analyzer.analyze(
      upload(`const load = () => import('not-there')\n${mark}export default async () => load().catch((error) => error.code)`),
      options({ enforce: false }),
    )
    expect(await call(analysis)).to.equal('MODULE_NOT_FOUND')
    const fails = await analyzer.analyze(upload(`import a from 'not-there'\n${mark}export default () => a`), options({ enforce: false }))
    expect(await load(fails).catch((error: unknown) => String(error))).to.include(`Cannot find module 'not-there'`)
  })
})
