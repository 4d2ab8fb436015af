import { createAnalyzer } from '@cordon/analyzer'
import type { Diagnostic } from '@cordon/contracts'
import { expect } from 'chai'
import { options, rulesOf, upload } from './harness.ts'
import { behaviour } from './rule-examples/behaviour.ts'
import { code } from './rule-examples/code.ts'
import type { RuleExamples } from './rule-examples/example.ts'
import { hiding } from './rule-examples/hiding.ts'
import { shape } from './rule-examples/shape.ts'

const all = [...shape, ...code, ...hiding, ...behaviour]

describe('rules', () => {
  const analyzer = createAnalyzer()
  after(() => analyzer.close())

  /** The rules that find something in each example. Those of bodies are files of one upload: that is twenty times faster. */
  async function check(rule: RuleExamples, examples: readonly string[]): Promise<string[][]> {
    if (rule.as === 'body') {
      const cases = Object.fromEntries(
        examples.map((one, index) => [`case-${index}.ts`, `export async function run(input: any, ctx: any) {\n${one}\n}`]),
      )
      const entry = `${examples.map((_, index) => `import './case-${index}'\n`).join('')}/** @function */ export default () => 1`
      const diagnostics = await analyze({ 'index.ts': entry, ...cases })
      return examples.map((_, index) => diagnostics.filter(({ file }) => file === `case-${index}.ts`).map((one) => one.rule))
    }
    const found = []
    for (const example of examples) {
      const entry = rule.as === 'entry' ? example : `/** @function */ export default async function handler(input: any, ctx: any) {\n${example}\n}`
      found.push((await analyze({ 'index.ts': entry })).map((one) => one.rule))
    }
    return found
  }

  async function analyze(files: Record<string, string>): Promise<readonly Diagnostic[]> {
    const analysis = await analyzer.analyze(upload({ ...files, 'h.ts': 'export type T = 1\nexport const h = () => 1\nexport default h' }), options())
    expect(rulesOf(analysis), JSON.stringify(analysis.diagnostics)).not.to.include('syntax')
    expect(analysis.diagnostics.length, 'findings are left out').to.be.below(200)
    return analysis.diagnostics
  }

  for (const rule of all) {
    describe(rule.rule, () => {
      let valid: string[][] = []
      let invalid: string[][] = []
      before(async () => {
        valid = await check(rule, rule.valid)
        invalid = await check(rule, rule.invalid)
      })
      for (const [index, example] of rule.valid.entries()) {
        it(`accepts ${JSON.stringify(example)}`, () => expect(valid[index]).not.to.include(rule.rule))
      }
      for (const [index, example] of rule.invalid.entries()) {
        it(`finds ${JSON.stringify(example)}`, () => expect(invalid[index]).to.include(rule.rule))
      }
    })
  }
})
