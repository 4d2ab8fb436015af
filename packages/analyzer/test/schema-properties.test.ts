import { createAnalyzer } from '@cordon/analyzer'
import { expect } from 'chai'
import fc from 'fast-check'
import { Project, ts } from 'ts-morph'
import { options, upload, validatorsOf } from './harness.ts'

/** A type as text, and values of JSON that were made for it. */
interface Sample {
  readonly type: string
  readonly values: fc.Arbitrary<unknown>
}

const names = ['a', 'b', 'c/~d']
const leaves: readonly Sample[] = [
  { type: 'string', values: fc.constantFrom('', 'a', 'x1') },
  { type: 'number', values: fc.constantFrom(0, 1, -2.5) },
  { type: 'boolean', values: fc.boolean() },
  { type: 'null', values: fc.constant(null) },
  { type: `'a'`, values: fc.constant('a') },
  { type: `'a' | 'b' | 1`, values: fc.constantFrom('a', 'b', 1) },
  { type: '`x${number}`', values: fc.constantFrom('x1', 'x20') },
  { type: 'unknown', values: fc.constantFrom(1, null, []) },
  { type: 'string & { __brand?: 1 }', values: fc.constant('a') },
]
/** Values of any kind, made of the same few words, so that they fit a type by chance, or nearly. */
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a', 'b', 'x1', '', 0, 1, true, false, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names, 'kind', 'other'), tie('value'), { maxKeys: 3 }),
  ),
})).value

const types = fc.letrec<{ type: Sample }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...leaves),
    tie('type').map((item) => ({ type: `(${item.type})[]`, values: fc.array(item.values, { maxLength: 3 }) })),
    fc.tuple(tie('type'), tie('type'), fc.boolean()).map(([first, second, isOptional]) => ({
      type: `[${first.type}, (${second.type})${isOptional ? '?' : ''}]`,
      values: isOptional ? fc.oneof(fc.tuple(first.values), fc.tuple(first.values, second.values)) : fc.tuple(first.values, second.values),
    })),
    fc.tuple(tie('type'), tie('type')).map(([first, rest]) => ({
      type: `[${first.type}, ...(${rest.type})[]]`,
      values: fc.tuple(first.values, fc.array(rest.values, { maxLength: 2 })).map(([one, more]) => [one, ...more]),
    })),
    tie('type').map((value) => ({
      type: `Record<string, ${value.type}>`,
      values: fc.dictionary(fc.constantFrom(...names), value.values, { maxKeys: 2 }),
    })),
    fc.tuple(tie('type'), tie('type'), fc.boolean()).map(([first, second, isOptional]) => ({
      type: `{ a: ${first.type}; 'c/~d'${isOptional ? '?' : ''}: ${second.type} }`,
      values: fc.record({ a: first.values, 'c/~d': second.values }, { requiredKeys: isOptional ? ['a'] : ['a', 'c/~d'] }),
    })),
    fc.tuple(tie('type'), tie('type')).map(([first, second]) => ({
      type: `({ a: ${first.type} } & { b: ${second.type} })`,
      values: fc.record({ a: first.values, b: second.values }),
    })),
    fc.tuple(tie('type'), tie('type')).map(([first, second]) => ({
      type: `({ kind: 'a'; a: ${first.type} } | { kind: 'b'; a: ${second.type} })`,
      values: fc.oneof(fc.record({ kind: fc.constant('a'), a: first.values }), fc.record({ kind: fc.constant('b'), a: second.values })),
    })),
    fc
      .tuple(tie('type'), tie('type'))
      .map(([first, second]) => ({ type: `(${first.type} | ${second.type})`, values: fc.oneof(first.values, second.values) })),
  ),
})).type

/** A value that was made for the type, one made for another, or anything. */
const cases = fc
  .tuple(types, types)
  .chain(([sample, other]) =>
    fc.tuple(fc.constant(sample.type), fc.array(fc.oneof(sample.values, other.values, anything), { minLength: 6, maxLength: 6 })),
  )

/** The type that has one value only. */
function typeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(typeOf).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)}: ${typeOf(one)}`)
    .join('; ')} }`
}

/** Whether TypeScript lets each value be used as its type. */
function assignable(batch: readonly (readonly [string, readonly unknown[]])[]): boolean[][] {
  const lines = batch.flatMap(([type, values], at) => [
    `type T${at} = ${type}`,
    ...values.map((value, index) => `type V${at}_${index} = ${typeOf(value)}`),
  ])
  const project = new Project({ useInMemoryFileSystem: true, compilerOptions: { strict: true, lib: ['lib.es2023.d.ts'], types: [] } })
  const file = project.createSourceFile('/types.ts', lines.join('\n')).compilerNode
  const checker = project.getProgram().compilerObject.getTypeChecker()
  const found = new Map(file.statements.filter(ts.isTypeAliasDeclaration).map((one) => [one.name.text, checker.getTypeAtLocation(one)]))
  const typeNamed = (name: string) => {
    const type = found.get(name)
    if (type === undefined) throw new Error(`there is no type ${name}`)
    return type
  }
  return batch.map(([, values], at) => values.map((_value, index) => checker.isTypeAssignableTo(typeNamed(`V${at}_${index}`), typeNamed(`T${at}`))))
}

describe('validators from types', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  after(() => analyzer.close())

  it('accept what the type checker accepts, and nothing else', async () => {
    let accepted = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(cases, { minLength: 40, maxLength: 40 }), async (batch) => {
        const members = batch.map(([type], at) => `t${at}?: ${type}`).join('\n')
        const analysis = await analyzer.analyze(upload(`/** @function */ export default (input: {\n${members}\n}) => { void input }`), options())
        const { input } = await validatorsOf(analysis)
        const verdicts = assignable(batch)
        for (const [at, [type, values]] of batch.entries()) {
          for (const [index, value] of values.entries()) {
            const expected = verdicts[at]?.[index]
            if (expected === true) accepted++
            else refused++
            expect(input?.validate?.({ [`t${at}`]: value }), `${JSON.stringify(value)} as ${type}`).to.equal(expected)
          }
        }
      }),
      { numRuns: 2, endOnFailure: true },
    )
    expect(Math.min(accepted, refused)).to.be.greaterThan(60)
  })
})
