import { execFileSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createAnalyzer } from '@cordon/analyzer'
import { ruleIds } from '@cordon/contracts'
import { expect } from 'chai'
import { ruleList } from '../dist/rules/rule-list.js'
import { options, upload } from './harness.ts'
import { behaviour } from './rule-examples/behaviour.ts'
import { code } from './rule-examples/code.ts'
import { hiding } from './rule-examples/hiding.ts'
import { shape } from './rule-examples/shape.ts'

/** What the analyzer checks outside of the rules. */
const others = ['config-names', 'config-schema', 'package-code', 'package-imports', 'package-requires', 'schema-types', 'types']
const packages = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const source = (body: string) => `/** @function */ export default function handler(input: unknown) {\n${body}\n}`

const rulesOfThirdParty = `import type { Rule } from '@cordon/analyzer'

/** Dates come from a clock that tests can set. */
const noDates: Rule = {
  id: 'acme/no-dates',
  severity: 'error',
  summary: 'No Date.now.',
  check({ ts, source, values, references, report }) {
    for (const { node, value } of references) {
      if (value.kind === 'global' && value.path.join('.') === 'Date.now') report(node, 'Date.now is used. Ask ctx.clock.')
    }
    for (const call of source.nodesOf(ts.SyntaxKind.NewExpression)) {
      if (ts.isNewExpression(call) && values.of(call.expression).kind === 'global' && call.arguments?.length === 0 && call.expression.getText() === 'Date')
        report(call, 'new Date() is used. Ask ctx.clock.')
    }
  },
}

export const rules: readonly Rule[] = [noDates, { id: 'acme/fails', severity: 'warn', summary: 'Fails.', check({ source }) { if (source.text.includes('FAIL')) throw new Error('no luck') } }]
`

describe('rules of a host', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  let folder = ''
  let module = ''

  before(function () {
    this.timeout(60_000)
    // A package as somebody else would write it: it knows the public entry and nothing else.
    folder = mkdtempSync(join(tmpdir(), 'cordon-rules-'))
    mkdirSync(join(folder, 'node_modules', '@cordon'), { recursive: true })
    symlinkSync(join(packages, 'analyzer'), join(folder, 'node_modules', '@cordon', 'analyzer'))
    writeFileSync(join(folder, 'package.json'), '{ "name": "acme-rules", "type": "module" }')
    writeFileSync(join(folder, 'rules.ts'), rulesOfThirdParty)
    const flags = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', '--types', '', 'rules.ts']
    execFileSync(process.execPath, [join(packages, '..', 'node_modules', 'typescript', 'bin', 'tsc'), ...flags], { cwd: folder, stdio: 'pipe' })
    module = join(folder, 'rules.js')
  })
  after(async () => {
    await analyzer.close()
    rmSync(folder, { recursive: true })
  })

  async function check(body: string, change: Parameters<typeof options>[0] = {}): Promise<string[]> {
    const { diagnostics } = await analyzer.analyze(upload(source(body)), options({ ruleModules: [module], ...change }))
    return diagnostics.filter(({ rule }) => rule.startsWith('acme/')).map(({ rule, severity, line }) => `${severity} ${rule} ${line}`)
  }

  async function refusal(change: Parameters<typeof options>[0]): Promise<string> {
    return analyzer.analyze(upload(source('return 1')), options(change)).then(
      () => 'nothing',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    )
  }

  it('find what they look for, wherever a name is hidden, with the severity that the host gives them', async () => {
    expect(await check('return Date.now()')).to.deep.equal(['error acme/no-dates 2'])
    expect(await check(`const d = globalThis['Da' + 'te']\nreturn d['now']()`)).to.deep.equal(['error acme/no-dates 3'])
    expect(await check('return new Date()', { rules: { 'acme/no-dates': 'warn' } })).to.deep.equal(['warn acme/no-dates 2'])
    expect(await check('return Date.now()', { rules: { 'acme/no-dates': 'off' } })).to.deep.equal([])
    expect(await check('return new Date(0)', { ruleModules: [pathToFileURL(module).href] })).to.deep.equal([])
    expect(await check('return Date.now()', { ruleModules: [] })).to.deep.equal([])
  })

  it('refuse a deployment when they fail, because then nothing was checked', async () => {
    expect(await check(`return 'FAIL'`)).to.deep.equal(['error acme/fails 0'])
  })

  it('are refused with the reason when they are no rules, and when a severity is given for one that is not there', async () => {
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return { ruleModules: [join(folder, name)] }
    }
    expect(await refusal(write('none.js', 'export const rule = []'))).to.match(/^INVALID_OPTION .*does not export a list/)
    expect(await refusal(write('shape.js', `export const rules = [{ id: 'no-slash', severity: 'error', summary: 'x', check() {} }]`))).to.match(
      /^INVALID_OPTION .*rule 1 of/,
    )
    expect(await refusal(write('broken.js', 'throw new Error("no start")'))).to.match(/^INVALID_OPTION .*no start/)
    expect(await refusal({ ruleModules: [module, join(folder, 'absent.js')] })).to.match(/^INVALID_OPTION .*cannot be loaded/)
    expect(await refusal({ ruleModules: [module], rules: { 'acme/no-date': 'off' } })).to.match(/^INVALID_OPTION .*"acme\/no-date"/)
    expect(await refusal({ ruleModules: [module, pathToFileURL(module).href] })).to.match(/^INVALID_OPTION .*two rules/)
  })
})

describe('the list of rules', () => {
  it('has the ids whose severity a host may set', () => {
    expect([...ruleIds].toSorted()).to.deep.equal([...ruleList.map(({ id }) => id), ...others].toSorted())
  })

  it('has at least three examples of what each rule accepts and three of what it finds', () => {
    const examples = [...shape, ...code, ...hiding, ...behaviour]
    for (const { id } of ruleList) {
      const own = examples.filter(({ rule }) => rule === id)
      for (const kind of ['valid', 'invalid'] as const) expect(own.flatMap((one) => one[kind]).length, `${id} ${kind}`).to.be.at.least(3)
    }
  })
})
