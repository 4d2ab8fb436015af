import { createAnalyzer } from '@cordon/analyzer'
import { expect } from 'chai'
import { call, options, rulesOf, upload } from './harness.ts'

const mark = '/** @function */ '
/** What TypeScript makes of \`export default 5; export const x = 6\`. */
const compiled = `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 5; exports.x = 6`

type Files = Readonly<Record<string, string>>

/** A package of the upload. */
function pack(name: string, fields: object, files: Files): Record<string, string> {
  const manifest = { [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', ...fields }) }
  return { ...manifest, ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`node_modules/${name}/${path}`, text])) }
}

const runtime = pack(
  'ui',
  { exports: { './jsx-runtime': './runtime.js', './jsx-dev-runtime': './dev.js' } },
  {
    'runtime.js': `exports.jsx = exports.jsxs = (tag, props) => [tag, props]; exports.Fragment = 'all'`,
    'dev.js': `exports.jsxDEV = () => 'dev'`,
  },
)
const element = `<><b id="a">x</b></>`
const rendered = ['all', { children: ['b', { id: 'a', children: 'x' }] }]

const forms: Record<string, { files: Files; result: unknown; allow?: string[] }> = {
  'default and names of plain CommonJS': {
    files: {
      'index.ts': `import p from 'p'\nimport * as all from 'p'\n${mark}export default () => [typeof p, p.a, all.a, typeof all.default]`,
      ...pack('p', {}, { 'index.js': 'module.exports = function () {}; module.exports.a = 1' }),
    },
    result: ['function', 1, 1, 'function'],
  },
  'default of compiled CommonJS, as TypeScript means it': {
    files: { 'index.ts': `import p, { x } from 'p'\n${mark}export default () => [p, x]`, ...pack('p', {}, { 'index.js': compiled }) },
    result: [5, 6],
  },
  'default of compiled CommonJS in .mjs, as Node means it': {
    files: { 'index.mjs': `import p, { x } from 'p'\n${mark}export default () => [p, x]`, ...pack('p', {}, { 'index.js': compiled }) },
    result: [{ default: 5, x: 6 }, 6],
  },
  'default of compiled CommonJS in a package of ES modules, as Node means it': {
    files: {
      'index.ts': `import p from 'p'\n${mark}export default () => p`,
      ...pack('p', { type: 'module' }, { 'index.js': `import q from 'q'\nexport default q.default` }),
      ...pack('q', {}, { 'index.js': compiled }),
    },
    result: 5,
  },
  'require of an ES module': {
    files: {
      'index.cjs': `const p = require('./b.mjs')\n${mark}module.exports = () => [p.default, p.x]`,
      'b.mjs': 'export default 1; export const x = 2',
    },
    result: [1, 2],
  },
  'both builds of a package, each where it is asked for': {
    files: {
      'index.ts': `import p from 'p'\nimport q from 'q'\n${mark}export default () => [p, q]`,
      ...pack('p', { exports: { import: './a.mjs', require: './a.cjs' } }, { 'a.mjs': `export default 'esm'`, 'a.cjs': `module.exports = 'cjs'` }),
      ...pack('q', {}, { 'index.js': `module.exports = require('p')` }),
    },
    result: ['esm', 'cjs'],
  },
  'no paths, as for a module that is missing': {
    files: {
      'index.ts': `import p from 'p'\n${mark}export default () => p`,
      ...pack('p', {}, { 'index.js': `try { require.resolve('q') } catch (error) { module.exports = error.code }` }),
    },
    result: 'MODULE_NOT_FOUND',
  },
  'module where there is no main': {
    files: { 'index.ts': `import p from 'p'\n${mark}export default () => p`, ...pack('p', { module: 'a.js' }, { 'a.js': `export default 'esm'` }) },
    result: 'esm',
  },
  'the build for production': {
    files: {
      'index.ts': `import p from 'p'\n${mark}export default () => p`,
      ...pack(
        'p',
        {},
        {
          'index.js': `if (process.env.NODE_ENV === 'production') { module.exports = require('./a.js') } else { module.exports = require('./b.js') }`,
          'a.js': `module.exports = 'production'`,
          'b.js': `module.exports = require('fs')`,
        },
      ),
    },
    result: 'production',
  },
  'JSX of a package by pragma': {
    files: { 'index.tsx': `/** @jsxImportSource ui */\n${mark}export default () => ${element}`, ...runtime },
    result: rendered,
  },
  'JSX of a package by tsconfig': {
    files: {
      'index.tsx': `${mark}export default () => ${element}`,
      'tsconfig.json': `{ // "jsx": "react"\n "compilerOptions": { "jsx": "react-jsxdev", "jsxImportSource": "ui", }, }`,
      ...runtime,
    },
    result: rendered,
  },
  'JSX of an allowed package': {
    files: {
      'index.tsx': `/** @jsxImportSource hono/jsx */\nconst B = ({ a }: { a: string }) => <b>{a}</b>\n${mark}export default () => String(<B a="x" />)`,
    },
    allow: ['hono'],
    result: '<b>x</b>',
  },
  'text of every usual kind': {
    files: {
      'index.ts': `${['md', 'txt', 'html', 'sql', 'css', 'csv', 'yaml', 'toml', 'svg', 'hbs'].map((one) => `import ${one} from './a.${one}'`).join('\n')}
import odd from './a.odd' with { type: 'text' }
import code from './a.ts' with { type: 'text' }
${mark}export default () => [md, txt, html, sql, css, csv, yaml, toml, svg, hbs, odd, code].join('')`,
      ...Object.fromEntries(
        ['md', 'txt', 'html', 'sql', 'css', 'csv', 'yaml', 'toml', 'svg', 'hbs', 'odd'].map((one, at) => [`a.${one}`, String(at % 10)]),
      ),
      'a.ts': 'eval(1)',
    },
    result: '01234567890eval(1)',
  },
  'JSON with and without an attribute, and bytes': {
    files: {
      'index.ts': `import a from './a.json'\nimport b, { c } from './a.json' with { type: 'json' }\nimport d from './a.json' with { type: 'bytes' }\n${mark}export default () => [a, b, c, d.length]`,
      'a.json': '\ufeff{"c":1}',
    },
    result: [{ c: 1 }, { c: 1 }, 1, 10],
  },
}

describe('imports of every kind', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  before(() => analyzer.warm())
  after(() => analyzer.close())

  for (const [name, { files, result, allow = [] }] of Object.entries(forms)) {
    it(`give ${name}`, async () => {
      const analysis = await analyzer.analyze(upload(files), options({ allow }))
      expect(rulesOf(analysis, 'error'), JSON.stringify(analysis.diagnostics, null, 1)).to.deep.equal([])
      expect(JSON.parse(JSON.stringify(await call(analysis)))).to.deep.equal(result)
    })
  }

  it('say where JSON is broken', async () => {
    const files = { 'index.ts': `import a from './a.json'\n${mark}export default () => a`, 'a.json': '{\n  "a": 1,,\n}' }
    const { diagnostics } = await analyzer.analyze(upload(files), options())
    expect(diagnostics).to.have.length(1)
    expect(diagnostics[0]).to.include({ rule: 'bundle', file: 'a.json', line: 2, column: 10 })
  })

  it('say what can be written for a file of an unknown kind, and for an unknown attribute', async () => {
    for (const [specifier, remedy] of [
      [`'./a.odd'`, `Add "with { type: 'text' }" or "with { type: 'bytes' }".`],
      [`'./a.odd' with { type: 'css' }`, 'Write "text", "bytes" or "json".'],
    ] as const) {
      const { diagnostics } = await analyzer.analyze(
        upload({ 'index.ts': `import a from ${specifier}\n${mark}export default () => a`, 'a.odd': '' }),
        options(),
      )
      expect(diagnostics.map((one) => [one.rule, one.file, one.line])).to.deep.equal([['imports', 'index.ts', 1]])
      expect(diagnostics[0]?.message).to.include(remedy)
    }
  })
})
