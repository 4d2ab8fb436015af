import { createAnalyzer } from '@cordon/analyzer'
import type { Analysis, Schemas } from '@cordon/contracts'
import { expect } from 'chai'
import { options, packageFolder, rulesOf, upload, validatorsOf } from './harness.ts'

const dialect = 'https://json-schema.org/draft/2020-12/schema'
const string = { type: 'string' }
const date = { type: 'string', format: 'date-time' }
const bytes = { type: 'string', contentEncoding: 'base64', pattern: '^[A-Za-z0-9+/]*={0,2}$' }

function object(properties: Record<string, unknown>, optional: readonly string[] = []): Record<string, unknown> {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) }
}

/** Type of the input -> its schema. Declarations stand before the type, split off by a blank line. */
const described: Readonly<Record<string, [type: string, schema: Record<string, unknown>]>> = {
  'an interface': [`interface A { a: string; b?: number }\n\nA`, object({ a: string, b: { type: 'number' } }, ['b'])],
  'an interface that extends another': [
    `interface A { a: string }\ninterface B extends A { b: boolean }\n\nB`,
    object({ b: { type: 'boolean' }, a: string }),
  ],
  'a class of data': [`class A { a = '' ; b?: number }\n\nA`, object({ a: string, b: { type: 'number' } }, ['b'])],
  'a union of primitives': ['string | number', { type: ['string', 'number'] }],
  'a union of literals': [`'a' | 'b' | 3`, { enum: ['a', 'b', 3] }],
  'one literal': [`'a'`, { const: 'a' }],
  'boolean in a union': ['boolean | string', { type: ['string', 'boolean'] }],
  'null beside a primitive': ['string | null', { type: ['string', 'null'] }],
  'null beside literals': [`'a' | 'b' | null`, { enum: ['a', 'b', null] }],
  'null beside an object': ['{ a: string } | null', { anyOf: [object({ a: string }), { type: 'null' }] }],
  'a member that may be undefined': ['{ a: string | undefined; b: undefined }', object({ a: string }, ['a'])],
  'a union that is told apart by a member': [
    `{ kind: 'a'; a: string } | { kind: 'b' | 'c' }`,
    {
      type: 'object',
      discriminator: { propertyName: 'kind' },
      oneOf: [object({ kind: { const: 'a' }, a: string }), object({ kind: { enum: ['b', 'c'] } })],
    },
  ],
  'a union that is told apart by a truth value': [
    '{ ok: true; a: string } | { ok: false; b: string }',
    { type: 'object', oneOf: [object({ ok: { const: true }, a: string }), object({ ok: { const: false }, b: string })] },
  ],
  'a union that is told apart by two members': [
    `{ kind: 'a' } | { kind: 'b'; of: 1 } | { kind: 'b'; of: 2; c: string }`,
    {
      type: 'object',
      discriminator: { propertyName: 'kind' },
      oneOf: [
        object({ kind: { const: 'a' } }),
        {
          ...object({ kind: { const: 'b' } }),
          oneOf: [object({ kind: { const: 'b' }, of: { const: 1 } }), object({ kind: { const: 'b' }, of: { const: 2 }, c: string })],
        },
      ],
    },
  ],
  'another union of objects': ['{ a: string } | { b: string }', { anyOf: [object({ a: string }), object({ b: string })] }],
  'a list': ['readonly string[]', { type: 'array', items: string }],
  'a tuple': [
    '[string, number?, ...boolean[]]',
    { type: 'array', prefixItems: [string, { type: 'number' }], minItems: 1, items: { type: 'boolean' } },
  ],
  'a tuple of fixed length': ['[a: string, b: string]', { type: 'array', prefixItems: [string, string], minItems: 2, maxItems: 2 }],
  'a record': ['Record<string, number>', { type: 'object', additionalProperties: { type: 'number' } }],
  'a record of some names': [`Record<'a' | 'b', string>`, object({ a: string, b: string })],
  'names by a pattern': ['{ [key: `x-${string}`]: string }', { type: 'object', patternProperties: { '^x-[\\s\\S]*$': string } }],
  'mapped types': ['Partial<Pick<{ a: string; b: number; c: Date }, "a" | "c">>', object({ a: string, c: date }, ['a', 'c'])],
  'a conditional type': [`type Get<T> = T extends { get: infer R } ? R : never\n\nGet<{ get: { a: string } }>`, object({ a: string })],
  'a template literal': ['`v${number}.x`', { type: 'string', pattern: '^v-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?\\.x$' }],
  'an enum of texts': [`enum E { A = 'a', B = 'b' }\n\nE`, { enum: ['a', 'b'] }],
  'an enum of numbers': ['enum E { A, B }\n\nE', { enum: [0, 1] }],
  'a const enum member': [`enum E { A = 'a', B = 'b' }\n\nE.B`, { const: 'b' }],
  'a date': ['Date', date],
  bytes: ['Uint8Array', bytes],
  'a buffer': ['Buffer', bytes],
  'a branded primitive': [`type Id = string & { readonly __brand: 'Id' }\n\n{ id: Id }`, object({ id: string })],
  'branded literals': [`type Side = ('left' | 'right') & { readonly __brand: 'Side' }\n\nSide`, { enum: ['left', 'right'] }],
  'the documentation of a brand': [
    `declare const brand: unique symbol\ntype Brand<T, N> = T & { readonly [brand]: N }\n/** Who.\n * @format uuid */\ntype Id = Brand<string, 'Id'>\n\n{ id: Id }`,
    object({ id: { type: 'string', description: 'Who.', format: 'uuid' } }),
  ],
  'an intersection of objects': ['{ a: string } & { b: string }', object({ a: string, b: string })],
  'a generic': [
    'interface Page<T> { items: T[]; next?: string }\n\nPage<{ a: string }>',
    object({ items: { type: 'array', items: object({ a: string }) }, next: string }, ['next']),
  ],
  'a type parameter': [`type A<T extends string = string> = { a: T }\n\nA`, object({ a: string })],
  'a recursive interface': [
    'interface Tree { value: string; children?: Tree[] }\n\nTree',
    { $ref: '#/$defs/Tree', $defs: { Tree: object({ value: string, children: { type: 'array', items: { $ref: '#/$defs/Tree' } } }, ['children']) } },
  ],
  'a recursive union': [
    'type Json = string | null | Json[] | { [key: string]: Json }\n\n{ a: Json }',
    {
      ...object({ a: { $ref: '#/$defs/Json' } }),
      $defs: {
        Json: {
          anyOf: [
            { type: 'string' },
            { type: 'array', items: { $ref: '#/$defs/Json' } },
            { type: 'object', additionalProperties: { $ref: '#/$defs/Json' } },
            { type: 'null' },
          ],
        },
      },
    },
  ],
  'a type that is used twice': [
    'interface A { a: string }\n\n{ x: A; y: A }',
    { ...object({ x: { $ref: '#/$defs/A' }, y: { $ref: '#/$defs/A' } }), $defs: { A: object({ a: string }) } },
  ],
  'names with special characters': ['{ "a/b~c": string; "": string; "$ref": string }', object({ 'a/b~c': string, '': string, $ref: string })],
  object: ['object', { type: ['object', 'array'] }],
  'documentation and tags': [
    `/** Somebody. */\ninterface A {\n  /** A name.\n   * @minLength 1\n   * @pattern ^\\S+@\\S+$\n   * @example "ada@b"\n   */\n  a: string\n  /** @minimum 1 @maximum 9 */ b: number\n  /** @default 3 */ c?: number }\n\nA`,
    {
      ...object(
        {
          a: { type: 'string', description: 'A name.', minLength: 1, pattern: '^\\S+@\\S+$', examples: ['ada@b'] },
          b: { type: 'number', minimum: 1, maximum: 9 },
          c: { type: 'number', default: 3 },
        },
        ['c'],
      ),
      description: 'Somebody.',
    },
  ],
  'whole numbers, bytes in a text, and closed objects': [
    `/** @additionalProperties false */\ninterface A {\n/** @asType integer */ a: number\n/** @contentEncoding base64\n * @contentMediaType image/png */ b: string }\n\nA`,
    {
      ...object({ a: { type: 'integer' }, b: { type: 'string', contentEncoding: 'base64', contentMediaType: 'image/png' } }),
      additionalProperties: false,
    },
  ],
  'tags of an alias': ['/** @format email */\ntype Mail = string\n\n{ mail: Mail }', object({ mail: { type: 'string', format: 'email' } })],
}

/** Type of the input -> what the warning names. */
const leftOut: Readonly<Record<string, string>> = {
  '() => void': 'input has the type "() => void"',
  '{ a: { run(): void; x: 1 } }': 'input.a.run has the type "() => void"',
  '{ a: Map<string, number> }': 'input.a has the type "Map<string, number>"',
  '{ a: bigint[] }': 'input.a[] has the type "bigint"',
  '{ a: [...string[], number] }': 'input.a has the type "[...string[], number]"',
  '{ a: symbol }': 'input.a has the type "symbol"',
  '{ a: Date | string }': 'input.a has the type "string | Date"',
  '{ a: Missing }': 'input.a has the type "Missing", which is not known here',
  '{ a: import("./missing.ts").Missing }': 'input.a',
  'type Circle = Other; type Other = Circle\n\n{ a: Circle }': 'input.a has the type "Circle"',
  '{ a: Error }': 'input.a has the type "Error"',
  'class Failure extends Error {}\n\n{ a: Failure }': 'input.a has the type "Failure"',
  '{ a: Response }': 'input.a has the type "Response"',
  '{ a: Uppercase<string> }': 'input.a has the type "Uppercase<string>"',
}

/** A handler whose input has a type; declarations stand before the type, split off by a blank line. */
function handlerOf(text: string): string {
  const [declarations, type] = text.includes('\n\n') ? text.split('\n\n') : ['', text]
  return `${declarations}\n/** @function */ export default (input: ${type}) => { void input }`
}

describe('schemas from types', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  after(() => analyzer.close())

  async function analyze(source: string | Record<string, string>, allow: string[] = []): Promise<Analysis> {
    const analysis = await analyzer.analyze(upload(source), options({ allow, from: packageFolder }))
    expect(rulesOf(analysis, 'error')).to.deep.equal([])
    return analysis
  }

  async function schemasOf(source: string | Record<string, string>, allow: string[] = []): Promise<Schemas> {
    const { schemas, diagnostics } = await analyze(source, allow)
    expect(diagnostics).to.deep.equal([])
    return schemas
  }

  async function inputOf(text: string): Promise<Schemas['input']> {
    return (await schemasOf(handlerOf(text))).input
  }

  for (const [name, [type, schema]] of Object.entries(described)) {
    it(`describes ${name}`, async () => {
      expect(await inputOf(type)).to.deep.equal({ $schema: dialect, ...schema })
    })
  }

  for (const [type, words] of Object.entries(leftOut)) {
    it(`says that it cannot describe ${type}`, async () => {
      const { diagnostics, ok } = await analyze(handlerOf(type))
      expect(ok).to.equal(true)
      // TypeScript has its own words for a name that does not exist.
      const found = diagnostics.filter((one) => one.rule !== 'types')
      expect(found.map((one) => one.rule)).to.deep.equal(['schema-types'])
      expect(found[0]?.message).to.include(words)
      expect(found[0]?.frame).to.include('^')
    })
  }

  it('leaves a handler without types alone', async () => {
    for (const handler of [
      '(input) => input',
      '() => ({ a: 1 })',
      'function ({ a }) { return a }',
      '(input: any) => input',
      '(input: unknown) => { void input }',
    ])
      expect(await schemasOf({ 'index.ts': `/** @function */ export default ${handler}` }), handler).to.deep.equal({})
  })

  it('describes what is returned: as it is written, or as the code says', async () => {
    const result = async (handler: string) => (await schemasOf(`/** @function */ export default ${handler}`)).output
    expect(await result('async (): Promise<{ at: Date }> => ({ at: new Date() })')).to.deep.equal({ $schema: dialect, ...object({ at: date }) })
    expect(await result(`(input: string) => ({ length: input.length, first: input.split('')[0] })`)).to.deep.equal({
      $schema: dialect,
      ...object({ length: { type: 'number' }, first: string }),
    })
    expect(await result(`(input: string) => new URL(input)`)).to.deep.equal({ $schema: dialect, type: 'string' })
    // A class leaves as what JSON.stringify makes of it.
    const point = `class Point { #hidden = 1; x = 2; get y() { return this.#hidden } }`
    const { schemas } = await analyze(`${point}\n/** @function */ export default (): Point => new Point()`)
    expect(schemas.output).to.deep.equal({ $schema: dialect, ...object({ x: { type: 'number' } }) })
    expect(await result('async (input: string) => { void input }')).to.equal(undefined)
  })

  it('knows where there may be no value', async () => {
    const optional = async (handler: string) => {
      const { inputOptional, outputOptional } = await schemasOf(`/** @function */ export default ${handler}`)
      return [inputOptional, outputOptional]
    }
    expect(await optional('(input: string): string => input')).to.deep.equal([undefined, undefined])
    expect(await optional('(input?: string): string | undefined => input')).to.deep.equal([true, true])
    expect(await optional(`(input: string = 'a'): string => input`)).to.deep.equal([true, undefined])
    expect(await optional('(input: string | undefined): string | void => { void input }')).to.deep.equal([true, true])
  })

  it('reads JSDoc types in JavaScript', async () => {
    const schema = object({ a: string, b: { type: 'number' } }, ['b'])
    const sources = [
      '/** @function\n * @param {{ a: string, b?: number }} input */\nexport default function handler(input) { void input }',
      '/** @typedef {{ a: string, b?: number }} Input */\n/** @function\n * @param {Input} input */\nmodule.exports = (input) => { void input }',
      '/** @callback Handler\n * @param {{ a: string, b?: number }} input\n * @returns {void} */\n/** @function\n * @type {Handler} */\nexport default (input) => { void input }',
      '/** @function */\nconst handler = /** @type {(input: { a: string, b?: number }) => void} */ ((input) => { void input })\nexport default handler',
      '/** @function\n * @param {object} input\n * @param {string} input.a\n * @param {number} [input.b] */\nexport default function handler(input) { void input }',
      '/** @typedef {(input: { a: string, b?: number }) => void} Handler */\n/** @function\n * @type {Handler} */\nconst handler = (input) => { void input }\nexport default handler',
    ]
    for (const source of sources) expect((await schemasOf({ 'index.js': source })).input, source).to.deep.equal({ $schema: dialect, ...schema })
    const documented = '/** @function\n * @param {string} [input] Who. @returns {Promise<number>} How many. */\nexport default async (input) => 1'
    expect(await schemasOf({ 'index.js': documented.replace(' @returns', '\n * @returns') })).to.deep.equal({
      input: { $schema: dialect, type: 'string', description: 'Who.' },
      output: { $schema: dialect, type: 'number', description: 'How many.' },
      inputOptional: true,
    })
  })

  it('finds the types of a handler that stands elsewhere', async () => {
    const schema = { $schema: dialect, ...object({ a: string }) }
    const type = 'type Handler = (input: { a: string }, ctx: Context) => Promise<void>'
    for (const source of [
      `${type}\n/** @function */ export default (async (input, ctx) => { ctx.log.info(input.a) }) satisfies Handler`,
      `${type}\n/** @function */\nconst handler: Handler = async (input) => { void input }\nexport default handler`,
      `const wrap = <T>(run: (input: T) => void) => (input: T) => run(input)\n/** @function */ export default wrap((input: { a: string }) => { void input })`,
    ])
      expect((await schemasOf(source)).input, source).to.deep.equal(schema)
  })

  it('follows imports of types, of the upload and of packages', async () => {
    const files = {
      'index.ts': `import type { A } from './types.ts'\nimport { z } from 'zod'\nconst C = z.object({ c: z.string().optional() })\n/** @function */ export default (input: A & z.infer<typeof C>) => { void input }`,
      'types.ts': `import { B } from './more/b.js'\nexport interface A { b: B }`,
      'more/b.ts': `export enum B { X = 'x' }`,
    }
    const { schemas } = await analyze(files, ['zod'])
    expect(schemas.input).to.deep.equal({ $schema: dialect, ...object({ b: { const: 'x' }, c: string }, ['c']) })
  })

  it('knows the context without an import, and with one', async () => {
    const source = (head: string) =>
      `${head}\n/** @function */ export default async (input: string, ctx: Context) => ({ id: ctx.invocation.id, n: (await ctx.db.query<{ n: number }>(input)).rows[0]?.n })`
    const output = { $schema: dialect, ...object({ id: string, n: { type: 'number' } }) }
    for (const head of ['', `import type { Context } from '@cordon/core'`]) expect((await schemasOf(source(head))).output).to.deep.equal(output)
  })

  it('takes schemas from config over types, and refuses those that are none', async () => {
    const source = (schema: string) =>
      `export const config = { input: ${schema} }\n/** @function */ export default (input: { a: string }): string => input.a`
    const { schemas } = await analyze(source(`{ type: 'object', properties: { b: { type: 'number' } } }`))
    expect(schemas).to.deep.equal({ input: { type: 'object', properties: { b: { type: 'number' } } }, output: { $schema: dialect, type: 'string' } })
    for (const schema of [
      `{ type: 'strange' }`,
      `{ $ref: 'https://example.com/schema' }`,
      `{ pattern: '(' }`,
      `{ $schema: 'http://json-schema.org/draft-07/schema#' }`,
    ]) {
      const analysis = await analyzer.analyze(upload(source(schema)), options())
      expect(rulesOf(analysis, 'error'), schema).to.deep.equal(['config-schema'])
    }
  })

  it('takes one schema with an id for both sides', async () => {
    const schema = `{ $id: 'https://example.com/n', type: 'object', properties: { n: { type: 'number' }, m: { $ref: '#/properties/n' } } }`
    const source = `export const config = { input: ${schema}, output: ${schema} }\n/** @function */ export default (input) => input`
    const { input, output } = await validatorsOf(await analyze({ 'index.js': source }))
    for (const side of [input, output])
      expect([{ n: 1, m: 2 }, { m: 'a' }, { n: NaN }, { n: Infinity }].map((value) => side?.validate?.(value))).to.deep.equal([
        true,
        false,
        false,
        false,
      ])
  })

  it('checks unions of a schema that the user wrote by the property that tells them apart', async () => {
    const b = `B: { type: 'object', properties: { k: { enum: [2, 3] } }, required: ['k'], unevaluatedProperties: false }`
    const a = `{ type: 'object', properties: { k: { const: 1 }, v: { type: 'string' } }, required: ['k', 'v'] }`
    for (const union of ['anyOf', 'oneOf']) {
      const source = `export const config = { input: { ${union}: [${a}, { $ref: '#/$defs/B' }], $defs: { ${b} } } }\n/** @function */ export default (input) => input`
      const { input } = await validatorsOf(await analyze({ 'index.js': source }))
      const fits = [{ k: 1, v: 'a' }, { k: 1, v: 'a', w: 1 }, { k: 2 }, { k: 3 }]
      const others = [{ k: 1 }, { k: 2, v: 'a' }, { k: 4 }, { k: '1', v: 'a' }, {}, [], null, 5, 'k']
      expect([...fits, ...others].map((value) => input?.validate?.(value))).to.deep.equal([...fits.map(() => true), ...others.map(() => false)])
    }
  })

  it('warns of tags whose value does not fit', async () => {
    const { diagnostics, schemas } = await analyze('/** @function */ export default (input: {\n/** @minimum few */\na: number }) => { void input }')
    for (const [tag, type] of [
      ['@pattern /^a/i', 'string'],
      ['@pattern (', 'string'],
      ['@minLength -1', 'string'],
      ['@minimum 3', 'string'],
      ['@maxLength 3', 'number | null'],
    ]) {
      const wrong = await analyze(`/** @function */ export default (input: {\n/** ${tag} */\na: ${type} }) => { void input }`)
      expect(
        wrong.diagnostics.map((one) => [one.rule, one.line]),
        tag,
      ).to.deep.equal([['schema-types', 3]])
    }
    expect(diagnostics.map((one) => [one.rule, one.line])).to.deep.equal([['schema-types', 3]])
    expect(schemas.input).to.deep.equal({ $schema: dialect, ...object({ a: { type: 'number' } }) })
  })

  it('says that it cannot tell what a handler takes', async () => {
    for (const handler of ['function (...input: string[]) { return input[0] }', 'handler'])
      expect(
        (
          await analyze(
            `function handler(a: string): void\nfunction handler(a: number): void\nfunction handler(a: unknown) { void a }\n/** @function */ export default ${handler}`,
          )
        ).diagnostics.map((one) => one.rule),
        handler,
      ).to.deep.equal(['schema-types'])
  })

  it('gives the same bytes however often it is asked', async () => {
    const source = `type U = 'b' | 'a' | 'c'\n/** @function */ export default (input: { x: U; y: 'z' | U }): { y: U } => ({ y: input.x })`
    const first = await analyze(source)
    await analyze(`/** @function */ export default (input: 'c' | 'z' | 'a') => { void input }`)
    const second = await analyze(source)
    expect(second.bundle?.hash).to.equal(first.bundle?.hash)
    expect(second.schemas).to.deep.equal(first.schemas)
  })
})
