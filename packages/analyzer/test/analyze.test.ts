import { createAnalyzer } from '@cordon/analyzer'
import { expect } from 'chai'
import { bundleOf, call, load, options, rulesOf, upload } from './harness.ts'

describe('analyzer', () => {
  const analyzer = createAnalyzer()
  after(() => analyzer.close())

  it('analyses, bundles and describes a function', async () => {
    const source = `
      import { join } from 'node:path'
      import type { Context } from '@cordon/core'
      export const config = { timeoutMs: 2000, access: 'internal', env: { MODE: 'a' } } as const
      /** @function */
      export default async function hello(input: { name: string }, ctx: Context) {
        await ctx.db.query('select 1')
        return { greeting: 'Hello ' + input.name, path: join('a', 'b'), url: import.meta.url }
      }`
    const analysis = await analyzer.analyze(upload(source), options())
    expect(analysis.diagnostics).to.deep.equal([])
    expect(analysis.ok).to.equal(true)
    expect(analysis.manifest).to.deep.include({ handler: 'json', entry: 'index.ts', builtins: ['path'], packages: [], database: true })
    expect(analysis.manifest.config).to.deep.include({ timeoutMs: 2000, access: 'internal', env: { MODE: 'a' } })
    expect(bundleOf(analysis).hash).to.match(/^[0-9a-f]{64}$/)
    const context = { db: { query: async () => undefined } }
    expect(await call(analysis, { name: 'Ada' }, context)).to.deep.equal({ greeting: 'Hello Ada', path: 'a/b', url: 'file:///upload/index.js' })
    expect((await load(analysis))['config']).to.deep.equal({ timeoutMs: 2000, access: 'internal', env: { MODE: 'a' } })
  })

  for (const name of ['zod', 'marked', 'hono']) {
    it(`bundles ${name} so that it runs`, async () => {
      const sources: Record<string, string> = {
        zod: `import { z } from 'zod'\n/** @function */ export default (input: unknown) => z.object({ a: z.number() }).parse(input).a`,
        marked: `import { marked } from 'marked'\n/** @function */ export default (input: { a: number }) => marked.parse('# ' + input.a)`,
        hono: `import { Hono } from 'hono'\nconst app = new Hono().get('/', (c) => c.text('1'))\n/** @function */ export default app`,
      }
      const analysis = await analyzer.analyze(upload(sources[name] ?? ''), options({ allow: [name] }))
      expect(rulesOf(analysis, 'error')).to.deep.equal([])
      expect(analysis.manifest.packages.map((one) => one.name)).to.deep.equal([name])
      expect(analysis.manifest.handler).to.equal(name === 'hono' ? 'http' : 'json')
      const result = await call(analysis, name === 'hono' ? new Request('http://localhost/') : { a: 1 })
      expect(result instanceof Response ? await result.text() : result).to.equal({ zod: 1, marked: '<h1>1</h1>\n', hono: '1' }[name])
    })
  }

  it('takes keys of the caller’s config over those of the literal', async () => {
    const source = `export const config = { timeoutMs: 2000, memoryMb: 64 }\n/** @function */ export default () => 1`
    const { manifest } = await analyzer.analyze({ ...upload(source), config: { timeoutMs: 9 } }, options())
    expect(manifest.config).to.deep.include({ timeoutMs: 9, memoryMb: 64 })
  })

  it('turns every rule into a warning when enforce is false', async () => {
    const source = `import fs from 'node:fs'\nexport const config = { timeoutMs: -1 }\nexport default () => fs.constants.F_OK`
    expect((await analyzer.analyze(upload(source), options())).ok).to.equal(false)
    const analysis = await analyzer.analyze(upload(source), options({ enforce: false }))
    expect(analysis.ok).to.equal(true)
    expect(rulesOf(analysis, 'warn')).to.deep.equal(['imports', 'config-literal', 'function-marker'])
    expect(await call(analysis)).to.equal(0)
  })

  it('refuses syntax errors and a missing default export whatever the options say', async () => {
    const lenient = options({ enforce: false, rules: { syntax: 'off', 'default-export': 'off' } })
    expect(rulesOf(await analyzer.analyze(upload('export default ((('), lenient), 'error')).to.include('syntax')
    expect(rulesOf(await analyzer.analyze(upload('export const a = 1'), lenient), 'error')).to.deep.equal(['default-export'])
    expect(rulesOf(await analyzer.analyze({ files: {} }, lenient), 'error')).to.deep.equal(['entry'])
  })
})
