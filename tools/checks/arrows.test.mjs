import { expect } from 'chai'
import { createScratch } from '../test/scratch.mjs'
import { checkArrows } from './arrows.mjs'
import { checkDecisions, checkDependencies } from './dependencies.mjs'

const entry = { '.': { default: './dist/index.js' } }

/** A small repository: `files` are added to two packages that follow every rule. */
function repository(files = {}) {
  return createScratch({
    'package.json': { engines: { node: '>=20.19.0' }, devDependencies: { chai: '6.3.0' } },
    'packages/contracts/package.json': { name: '@cordon/contracts', exports: entry },
    'packages/contracts/src/index.ts': "export { one } from './one.ts'\n",
    'packages/contracts/src/one.ts': 'export const one = 1\n',
    'packages/pool/package.json': { name: '@cordon/pool', exports: entry, dependencies: { '@cordon/contracts': '0.1.0', pg: '8.23.1' } },
    'packages/pool/src/index.ts': "export { two } from './two.ts'\n",
    'packages/pool/src/two.ts':
      "import { one } from '@cordon/contracts'\nimport { Client } from 'pg'\nimport { join } from 'node:path'\nexport const two = [one, Client, join]\n",
    'docs/decisions/0001-pg.md': 'We use `pg`.\n',
    ...files,
  })
}

function problemsOf(check, files) {
  const scratch = repository(files)
  try {
    return check(scratch.folder)
  } finally {
    scratch.remove()
  }
}

describe('the check of arrows', () => {
  it('accepts imports along the arrows', () => {
    expect(problemsOf(checkArrows)).to.deep.equal([])
  })

  const refused = {
    'an import against an arrow': [{ 'packages/contracts/src/one.ts': "export { two } from '@cordon/pool'" }, 'contracts may import nothing'],
    'a type import against an arrow': [
      { 'packages/contracts/src/one.ts': "import type { two } from '@cordon/pool'\nexport type One = two" },
      'contracts may import nothing',
    ],
    'a dynamic import against an arrow': [
      { 'packages/contracts/src/one.ts': "export const one = import('@cordon/pool')" },
      'contracts may import nothing',
    ],
    'a require against an arrow': [{ 'packages/contracts/src/one.ts': "export const one = require('@cordon/pool')" }, 'contracts may import nothing'],
    'a door that is not exported': [
      { 'packages/pool/src/two.ts': "import { one } from '@cordon/contracts/dist/one.js'\nexport const two = one" },
      'does not export',
    ],
    'a way around the door': [
      { 'packages/pool/src/two.ts': "export { one as two } from '../../contracts/src/one.ts'" },
      'outside of packages/pool/src',
    ],
    'a Node built-in in the contracts': [{ 'packages/contracts/src/one.ts': "export { join as one } from 'node:path'" }, 'uses no Node built-in'],
    'a Node built-in without its prefix': [{ 'packages/pool/src/two.ts': "export { join as two } from 'path'" }, 'write "node:path"'],
    'an import of the own index.ts': [
      { 'packages/pool/src/two.ts': "export const two = 2\nexport type { two as Two } from './index.ts'" },
      'import the file that defines the name',
    ],
    'an import of the own package by name': [{ 'packages/pool/src/two.ts': "export { two } from '@cordon/pool'" }, 'imports its own package'],
    'a specifier without .ts': [{ 'packages/pool/src/three.ts': "export { two } from './two.js'" }, 'ends in .ts'],
    'a circle of files': [
      {
        'packages/pool/src/two.ts': "export { three as two } from './three.ts'",
        'packages/pool/src/three.ts': "export { two as three } from './two.ts'",
      },
      'packages/pool/src/two.ts',
    ],
    'a package without a row in the table': [{ 'packages/extra/package.json': { name: '@cordon/extra' } }, 'has no row'],
  }
  for (const [what, [files, words]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(problemsOf(checkArrows, files).join('\n')).to.include(words)
    })
  }

  it('accepts a circle that is closed by a type import', () => {
    const files = {
      'packages/pool/src/two.ts': "import type { three } from './three.ts'\nexport const two: typeof three = 2",
      'packages/pool/src/three.ts': "export { two as three } from './two.ts'",
    }
    expect(problemsOf(checkArrows, files)).to.deep.equal([])
  })

  it('is not fooled by comments and strings', () => {
    const text = "// import '@cordon/pool'\nexport const one = 'import(\"@cordon/pool\")'\n"
    expect(problemsOf(checkArrows, { 'packages/contracts/src/one.ts': text })).to.deep.equal([])
  })
})

describe('the check of dependencies', () => {
  it('accepts what is declared and used', () => {
    expect(problemsOf(checkDependencies)).to.deep.equal([])
    expect(problemsOf(checkDecisions)).to.deep.equal([])
  })

  it('refuses an import that is not declared', () => {
    expect(problemsOf(checkDependencies, { 'packages/contracts/src/one.ts': "export { z as one } from 'zod/v4'" })).to.deep.equal([
      'packages/contracts/src/one.ts:1 imports zod, which packages/contracts/package.json does not declare as a dependency.',
    ])
  })

  it('refuses a development dependency in a source file and takes it in a test', () => {
    const text = "import { expect } from 'chai'\nexport const one = expect\n"
    expect(problemsOf(checkDependencies, { 'packages/contracts/src/one.ts': text })).to.have.length(1)
    expect(problemsOf(checkDependencies, { 'packages/contracts/test/one.test.ts': text })).to.deep.equal([])
  })

  it('refuses a dependency that nothing imports', () => {
    const manifest = { name: '@cordon/contracts', exports: entry, dependencies: { zod: '4.0.0' } }
    expect(problemsOf(checkDependencies, { 'packages/contracts/package.json': manifest }).join()).to.include('declares zod, which nothing')
  })

  it('refuses a version range', () => {
    const manifest = { name: '@cordon/contracts', exports: entry, devDependencies: { zod: '^4.0.0' } }
    expect(problemsOf(checkDependencies, { 'packages/contracts/package.json': manifest }).join()).to.include('one exact version')
  })

  it('refuses a runtime dependency without a written reason', () => {
    expect(problemsOf(checkDecisions, { 'docs/decisions/0001-pg.md': 'We use pg-pool.' }).join()).to.include('depends on pg,')
  })
})
