import { createAnalyzer } from '@cordon/analyzer'
import { PlatformError } from '@cordon/contracts'
import { expect } from 'chai'
import { options, upload } from './harness.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

/** Declarations of the type `Bomb`. */
const bombs: Readonly<Record<string, string>> = {
  'a generic that grows with each step': 'interface Bomb<T = 1> { value: T; next: Bomb<Bomb<T>> }',
  'a mapped type that grows with each step': 'type Grow<T> = { [K in keyof T]: Grow<{ a: T; b: T }> }; type Bomb = Grow<{ x: 1 }>',
  'a conditional type that never ends':
    'type B<T extends unknown[], N> = T["length"] extends N ? T : B<[...T, ...T], N>; type Bomb = B<[1], 99999999>',
  'a union of 50 000 literals': `type Bomb = ${numbers(50_000)
    .map((at) => `'k${at}'`)
    .join('|')}`,
  'a union of 5 000 objects': `type Bomb = ${numbers(5000)
    .map((at) => `{ k: '${at}', v${at}: 1 }`)
    .join('|')}`,
  'a template of a hundred thousand texts': `type D = ${numbers(10)
    .map((at) => `'${at}'`)
    .join('|')}; type Bomb = \`\${D}\${D}\${D}\${D}\${D}\``,
  'a template of too many texts': `type D = ${numbers(100)
    .map((at) => `'${at}'`)
    .join('|')}; type Bomb = \`\${D}\${D}\${D}\${D}\${D}\${D}\``,
  'objects in objects': `type Bomb = ${'{ a: '.repeat(1000)}1${'}'.repeat(1000)}`,
  'an object of 20 000 members': `interface Bomb { ${numbers(20_000)
    .map((at) => `m${at}: string`)
    .join(';')} }`,
  'doubling tuples': `type A0 = [1]; ${numbers(40)
    .map((at) => `type A${at + 1} = [A${at}, A${at}];`)
    .join('')} type Bomb = A40`,
  'doubling objects without names': `const a0 = { x: 1 }; ${numbers(40)
    .map((at) => `const a${at + 1} = { p: a${at}, q: a${at} };`)
    .join('')} type Bomb = typeof a40`,
  'a long text': `interface Bomb { /** ${'x'.repeat(300_000)} */ a: '${'y'.repeat(200_000)}' }`,
  'a type of itself': 'type Bomb = Bomb[]',
  'an alias in a circle': 'type Bomb = Other; type Other = Bomb',
  'an interface that extends itself': 'interface Bomb extends Bomb { a: string }',
}

describe('hostile types', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  before(() => analyzer.warm())
  after(() => analyzer.close())

  for (const [name, declarations] of Object.entries(bombs)) {
    it(`does not go down with ${name}`, async () => {
      const source = `${declarations}\n/** @function */ export default (input: Bomb) => { void input }`
      try {
        const { ok, schemas, diagnostics } = await analyzer.analyze(upload(source), options())
        expect(ok).to.equal(true)
        expect(JSON.stringify(schemas).length).to.be.lessThan(110_000)
        // Described, known to be anything, or said to be left out.
        if (schemas.input === undefined)
          expect(diagnostics.map((one) => one.rule)).to.satisfy((rules: string[]) => rules.every((one) => one === 'schema-types' || one === 'types'))
      } catch (error) {
        expect(error).to.be.instanceOf(PlatformError).with.property('code', 'ANALYSIS_LIMIT')
      }
      const after = await analyzer.analyze(upload('/** @function */ export default (input: { a: string }) => { void input }'), options())
      expect(after.schemas.input).to.include({ type: 'object' })
    })
  }
})
