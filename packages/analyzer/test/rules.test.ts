import { createAnalyzer } from '@cordon/analyzer'
import { expect } from 'chai'
import { options, rulesOf, upload } from './harness.ts'
import { behaviour } from './rule-examples/behaviour.ts'
import { code } from './rule-examples/code.ts'
import type { RuleExamples } from './rule-examples/example.ts'
import { shape } from './rule-examples/shape.ts'

describe('rules', () => {
  const analyzer = createAnalyzer()
  after(() => analyzer.close())

  async function check(rule: RuleExamples, example: string): Promise<string[]> {
    const entry = rule.as === 'entry' ? example : `/** @function */ export default async function handler(input: any, ctx: any) {\n${example}\n}`
    const analysis = await analyzer.analyze(
      upload({ 'index.ts': entry, 'h.ts': 'export type T = 1\nexport const h = () => 1\nexport default h' }),
      options(),
    )
    expect(rulesOf(analysis), JSON.stringify(analysis.diagnostics)).not.to.include.members(['syntax'])
    return rulesOf(analysis)
  }

  for (const rule of [...shape, ...code, ...behaviour]) {
    describe(rule.rule, () => {
      for (const example of rule.valid) {
        it(`accepts ${JSON.stringify(example)}`, async () => expect(await check(rule, example)).not.to.include(rule.rule))
      }
      for (const example of rule.invalid) {
        it(`finds ${JSON.stringify(example)}`, async () => expect(await check(rule, example)).to.include(rule.rule))
      }
    })
  }
})
