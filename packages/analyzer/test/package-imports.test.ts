import { createAnalyzer } from '@cordon/analyzer'
import type { Diagnostic } from '@cordon/contracts'
import { expect } from 'chai'
import { call, options, rulesOf, upload } from './harness.ts'

const mark = '/** @function */ '

/** A package of the upload with a main file and others. */
function inUpload(name: string, main: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const files = Object.entries(more).map(([path, text]) => [`node_modules/${name}/${path}`, text])
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', main: 'main.js' }),
    [`node_modules/${name}/main.js`]: main,
    ...Object.fromEntries(files),
  }
}

describe('packages that need more than a function has', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  after(() => analyzer.close())

  async function diagnose(files: Readonly<Record<string, string>>): Promise<readonly Diagnostic[]> {
    return (await analyzer.analyze(upload(files), options())).diagnostics
  }

  it('are refused once, where the user imports them, with the way to the reason and what to use instead', async () => {
    const found = await diagnose({
      'index.ts': `import { save } from './save.ts'\n${mark}export default () => save()`,
      'save.ts': `// saves\nimport { open } from 'p'\nexport const save = () => open()`,
      ...inUpload('p', `const q = require('q')\nexports.open = () => q.read()`),
      ...inUpload('q', `module.exports = require('./lib/read.js')`, {
        'lib/read.js': `const fs = require('fs'), net = require('node:net'), path = require('path')\ntry { require('os') } catch {}\nexports.read = () => [fs, net, path]`,
      }),
    })
    expect(found).to.have.length(1)
    expect(found[0]).to.include({ rule: 'package-imports', severity: 'error', file: 'save.ts', line: 2, column: 22 })
    expect(found[0]?.message).to.equal(
      'The package p cannot run in a function: it needs "fs" (save.ts > p/main.js > q/main.js > q/lib/read.js), and "node:net". ' +
        'Cannot import "node:fs": functions may not use it. Instead: functions have no files; keep data in ctx.db, and import JSON and text files that are part of the upload.',
    )
  })

  it('name what stands in for the package itself, when something does', async () => {
    const [found] = await diagnose({
      'index.ts': `import pg from 'pg'\n${mark}export default () => pg`,
      ...inUpload('pg', `module.exports = require('net')`),
    })
    expect(found?.message).to.equal('The package pg cannot run in a function: it needs "net" (index.ts > pg/main.js). Instead of pg: use ctx.db.')
  })

  it('are told apart by what the user imports', async () => {
    const files = {
      'index.ts': `import a from 'a'\nimport b from 'b'\n${mark}export default () => [a, b]`,
      ...inUpload('a', `module.exports = require('fs')`),
      ...inUpload('b', `module.exports = require('missing')`),
    }
    expect((await diagnose(files)).map((one) => [one.rule, one.line])).to.deep.equal([
      ['package-imports', 1],
      ['package-imports', 2],
    ])
  })

  it('are warned about when they may do without, and find the module missing', async () => {
    const attempt = (name: string) => `try { require('${name}'); module.exports = 'there' } catch (error) { module.exports = error.code }`
    const files = {
      'index.ts': `import a from 'a'\nimport b from 'b'\n${mark}export default () => [a, b]`,
      ...inUpload('a', attempt('not-there')),
      ...inUpload('b', attempt('./native.node'), { 'native.node': 'binary' }),
    }
    const analysis = await analyzer.analyze(upload(files), options())
    expect(rulesOf(analysis)).to.deep.equal(['package-requires', 'package-requires'])
    expect(await call(analysis)).to.deep.equal(['MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])
  })

  it('are refused for native add-ons and WebAssembly with the reason', async () => {
    for (const [file, reason] of [
      ['a.node', 'functions cannot load native add-ons'],
      ['a.wasm', 'functions cannot run WebAssembly'],
    ] as const) {
      const own = await diagnose({ 'index.ts': `import a from './${file}'\n${mark}export default () => a`, [file]: 'binary' })
      expect(own.map((one) => [one.rule, one.file, one.line])).to.deep.equal([['imports', 'index.ts', 1]])
      expect(own[0]?.message).to.include(`Cannot import "./${file}": ${reason}. Use a package`)
      const [inPackage] = await diagnose({
        'index.ts': `import a from 'p'\n${mark}export default () => a`,
        ...inUpload('p', `module.exports = require('./${file}')`, { [file]: 'binary' }),
      })
      expect(inPackage?.message).to.include(`The package p cannot run in a function: it needs "./${file}"`).and.include(reason)
    }
  })
})
