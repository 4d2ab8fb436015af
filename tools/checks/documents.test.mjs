import { expect } from 'chai'
import { createScratch } from '../test/scratch.mjs'
import { checkErrorDocs, checkProvokedCodes } from './error-docs.mjs'
import { checkFileLength } from './file-length.mjs'
import { checkLockFile, checkManifests } from './manifests.mjs'
import { checkCodeBlocks, checkLinks } from './markdown.mjs'
import { checkReference } from './reference.mjs'

function problemsOf(check, files, ...rest) {
  const scratch = createScratch(files)
  try {
    return check(scratch.folder, ...rest)
  } finally {
    scratch.remove()
  }
}

const table = { TIMEOUT: { origin: 'function', retryable: false, title: 'It took too long' } }
const row = '| `TIMEOUT` | It took too long | function | no | 504 | Make it faster. |'

describe('the check of the error documentation', () => {
  it('accepts a row that repeats the table', () => {
    expect(problemsOf(checkErrorDocs, { 'docs/errors.md': row }, table)).to.deep.equal([])
  })

  const wrong = {
    'a missing row': '',
    'another meaning': row.replace('too long', 'long'),
    'another origin': row.replace('function', 'platform'),
    'another retryable flag': row.replace('no', 'yes'),
    'a missing status': row.replace('504', ''),
    'a missing remedy': row.replace('Make it faster.', ''),
    'a code that is not in the table': `${row}\n${row.replace('TIMEOUT', 'RETIRED')}`,
  }
  for (const [what, text] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expect(problemsOf(checkErrorDocs, { 'docs/errors.md': text }, table)).to.have.length(1)
    })
  }
})

describe('the check of HTTP statuses', () => {
  it('refuses a status that the adapters do not answer with', () => {
    const files = { 'docs/errors.md': row, 'packages/adapters/src/routes/problem.ts': 'const statusByCode = {\n  TIMEOUT: 502,\n}' }
    expect(problemsOf(checkErrorDocs, files, table)).to.deep.equal(['docs/errors.md gives TIMEOUT the status 504, the adapters 502.'])
  })
})

describe('the check of provoked codes', () => {
  it('accepts a code that a test of a package names', () => {
    expect(problemsOf(checkProvokedCodes, { 'packages/core/test/a.test.ts': "expect(error.code).to.equal('TIMEOUT')" }, table, {})).to.deep.equal([])
  })

  it('refuses a code that only sources, fixtures or the tests of the contracts name', () => {
    const files = {
      'packages/core/src/a.ts': "'TIMEOUT'",
      'packages/core/test/fixtures/a.ts': "'TIMEOUT'",
      'packages/contracts/test/a.test.ts': "'TIMEOUT'",
    }
    expect(problemsOf(checkProvokedCodes, files, table, {})).to.deep.equal(['No test provokes TIMEOUT.'])
  })

  it('refuses an exception that is not needed any more', () => {
    expect(problemsOf(checkProvokedCodes, { 'packages/core/test/a.test.ts': "'TIMEOUT'" }, table, { TIMEOUT: 'no clock' })).to.have.length(1)
    expect(problemsOf(checkProvokedCodes, {}, table, { TIMEOUT: 'no clock' })).to.deep.equal([])
  })
})

describe('the check of Markdown', () => {
  it('accepts links to files and headings', () => {
    const files = {
      'README.md': '[a](docs/a.md#the-b-part) [web](https://example.com) [here](#top)\n# Top',
      'docs/a.md': '## The `b` part\n[up](../README.md)',
    }
    expect(problemsOf(checkLinks, files)).to.deep.equal([])
  })

  it('refuses a link to nothing', () => {
    expect(problemsOf(checkLinks, { 'README.md': '[a](docs/a.md)' })).to.have.length(1)
    expect(problemsOf(checkLinks, { 'README.md': '[a](docs/a.md#b)', 'docs/a.md': '# A' })).to.have.length(1)
    expect(problemsOf(checkLinks, { 'README.md': '[a](../outside.md)' })).to.have.length(1)
  })

  it('accepts a code block that copies a file or is an excerpt', () => {
    const files = {
      'README.md': '<!-- examples/a.mjs -->\n\n```js\nrun()\n```\n\n<!-- excerpt: the call -->\n```ts\nother()\n```\n\n```sh\nnpm start\n```',
      'examples/a.mjs': 'run()\n',
    }
    expect(problemsOf(checkCodeBlocks, files)).to.deep.equal([])
  })

  it('refuses a code block that differs, copies nothing or names no file', () => {
    expect(problemsOf(checkCodeBlocks, { 'README.md': '<!-- a.mjs -->\n```js\nrun()\n```', 'a.mjs': 'stop()' })).to.have.length(1)
    expect(problemsOf(checkCodeBlocks, { 'README.md': '<!-- a.mjs -->\n```js\nrun()\n```' })).to.have.length(1)
    expect(problemsOf(checkCodeBlocks, { 'docs/a.md': '```js\nrun()\n```' })).to.have.length(1)
  })

  it('refuses a reference table that is not there or out of date', () => {
    const contracts = {
      limitTable: {},
      platformOptionTable: () => ({}),
      listOptions: () => [],
      commands: { commandGroups: [], globalOptions: [], exitCodes: [[0, 'done']] },
      rules: [
        { id: 'b', severity: 'warn', summary: 'B | b.' },
        { id: 'a', severity: 'error', summary: 'A.' },
      ],
    }
    expect(problemsOf(checkReference, {}, contracts)).to.have.length(4)
    const text = '<!-- table: limits -->\nold\n<!-- end of table -->'
    const files = {
      'docs/reference/platform-options.md': text,
      'docs/reference/function-config.md': '',
      'docs/reference/rules.md':
        '<!-- table: rules -->\n\n| rule | severity | what it asks |\n|---|---|---|\n| `a` | error | A. |\n| `b` | warn | B \\| b. |\n\n<!-- end of table -->',
      'docs/reference/cli.md': '<!-- table: exitCodes -->\n\n| exit code | means |\n|---|---|\n| 0 | done |\n\n<!-- end of table -->',
      'packages/contracts/src/options/limits.ts': '',
    }
    expect(problemsOf(checkReference, files, contracts)).to.deep.equal([
      'docs/reference/platform-options.md differs from the code: run "npm run docs".',
    ])
  })
})

describe('the check of file length', () => {
  it('accepts 400 lines in a tool and refuses 401', () => {
    expect(problemsOf(checkFileLength, { 'tools/a.mjs': 'x\n'.repeat(400) })).to.deep.equal([])
    expect(problemsOf(checkFileLength, { 'tools/a.mjs': 'x\n'.repeat(401) })).to.have.length(1)
  })

  it('refuses sources that are long as a rule', () => {
    expect(problemsOf(checkFileLength, { 'packages/a/src/a.ts': 'x\n'.repeat(130) }).join()).to.include('median')
  })

  it('leaves built files, installed packages and fixtures alone', () => {
    const long = 'x\n'.repeat(500)
    expect(
      problemsOf(checkFileLength, { 'packages/a/dist/a.js': long, 'packages/a/node_modules/b/a.js': long, 'packages/a/test/fixtures/a.js': long }),
    ).to.deep.equal([])
  })
})

const manifest = {
  name: '@cordon/a',
  version: '0.1.0',
  description: 'A',
  license: 'MIT',
  type: 'module',
  engines: { node: '>=20' },
  exports: { '.': './dist/index.js' },
  files: ['dist'],
}
const workspace = {
  'package.json': { license: 'MIT', engines: { node: '>=20' } },
  'tsconfig.json': { references: [{ path: 'packages/a' }] },
  'packages/a/tsconfig.json': { references: [] },
  'packages/a/dist/index.js': '',
  'packages/a/package.json': manifest,
}

describe('the check of manifests', () => {
  it('accepts a package that keeps its promises', () => {
    expect(problemsOf(checkManifests, workspace)).to.deep.equal([])
  })

  const wrong = {
    'an export that is not built': { 'packages/a/package.json': { ...manifest, exports: { '.': './dist/index.js', './b': './dist/b.js' } } },
    'an export that is not packed': { 'packages/a/package.json': { ...manifest, files: ['src'] } },
    'another Node version than the root': { 'packages/a/package.json': { ...manifest, engines: { node: '>=18' } } },
    'a missing description': { 'packages/a/package.json': { ...manifest, description: '' } },
    'a reference that is missing': { 'packages/a/package.json': { ...manifest, dependencies: { '@cordon/b': '0.1.0' } } },
    'a reference too many': { 'packages/a/tsconfig.json': { references: [{ path: '../b' }] } },
    'a package that the root does not build': { 'tsconfig.json': { references: [] } },
  }
  for (const [what, files] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expect(problemsOf(checkManifests, { ...workspace, ...files })).to.have.length(1)
    })
  }
})

describe('the check of the lock file', () => {
  const files = { 'package.json': { dependencies: { a: '1.0.0' } } }

  it('accepts a lock file that fits', () => {
    expect(problemsOf(checkLockFile, { ...files, 'package-lock.json': { packages: { '': { dependencies: { a: '1.0.0' } } } } })).to.deep.equal([])
  })

  it('refuses one that lags behind or names a private registry', () => {
    expect(problemsOf(checkLockFile, { ...files, 'package-lock.json': { packages: { '': {} } } })).to.have.length(1)
    const packages = { '': { dependencies: { a: '1.0.0' } }, 'node_modules/a': { version: '1.0.0', resolved: 'https://registry.example.com/a.tgz' } }
    expect(problemsOf(checkLockFile, { ...files, 'package-lock.json': { packages } })).to.have.length(1)
  })
})
