import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPlatform, PlatformError, type Platform } from '@cordon/core'
import { expect } from 'chai'
import { createNotingLogger, createScratch } from './support/scratch.ts'

const fixtures = fileURLToPath(new URL('../test/fixtures/', import.meta.url))

describe('types of a handler', () => {
  let platform: Platform
  let remove: () => Promise<void>

  before(async () => {
    const scratch = await createScratch()
    remove = scratch.remove
    const rules = { 'no-tampering': 'off' } as const
    platform = await createPlatform({ dataDir: join(scratch.path, 'data'), logger: createNotingLogger(), analyzer: { enforce: true, rules } })
    for (const name of ['booking', 'promises', 'tampering']) await platform.deploy({ name, path: join(fixtures, `${name}.ts`) })
  })
  after(async () => {
    await platform.close()
    await remove()
  })

  async function issuesOf(name: string, input: unknown): Promise<unknown> {
    const error: unknown = await platform.invoke(name, input).then(
      (result) => result.output,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof PlatformError)) throw new Error(`it was accepted: ${JSON.stringify(error)}`)
    expect(error.message).to.match(error.code === 'INVALID_INPUT' ? /^Cannot use the input: / : /^Cannot use the output: /)
    return [error.code, error.details['issues']]
  }

  const booking = { guest: 'Ada', from: '2026-03-01T12:00:00Z', nights: 2, payment: { by: 'invoice', address: 'here' } }

  it('become dates and bytes on the way in, and text on the way out', async () => {
    const { output } = await platform.invoke('booking', booking)
    expect(output).to.deep.equal({ until: '2026-03-03T12:00:00.000Z', photo: null, kinds: ['Undefined', 'Date', 'Null'] })
    const full = {
      ...booking,
      photo: 'AQID',
      payment: { by: 'card', number: '1', valid: '2027-01-01T00:00:00+01:00' },
      history: [1, '2020-02-29T00:00:00Z'],
    }
    expect((await platform.invoke('booking', full)).output).to.deep.equal({
      until: '2026-03-03T12:00:00.000Z',
      photo: 'AQID',
      kinds: ['Uint8Array', 'Date', 'Date', 'Number', 'Date'],
    })
    expect((await platform.invoke('booking', { ...booking, photo: null })).output).to.deep.include({ photo: null })
    // What JSON makes of a date is what the schema takes.
    expect((await platform.invoke('booking', { ...booking, from: new Date(8.64e15 - 172_800_000) })).output).to.deep.include({
      until: '+275760-09-13T00:00:00.000Z',
    })
  })

  it('refuse an input with every place that is wrong', async () => {
    const wrong = { guest: '', from: '2026-02-30T00:00:00Z', people: 9, photo: '*', payment: { by: 'card', valid: 1 }, history: [1, 'x', {}] }
    expect(await issuesOf('booking', wrong)).to.deep.equal([
      'INVALID_INPUT',
      [
        { path: '/nights', expected: 'number', got: 'nothing' },
        { path: '/guest', expected: 'string of length >= 1', got: 'string of length 0' },
        { path: '/from', expected: 'string in the format date-time', got: 'string of length 20' },
        { path: '/people', expected: 'number <= 8', got: 'number 9' },
        { path: '/photo', expected: 'string in base64', got: 'string of length 1' },
        { path: '/payment/number', expected: 'string', got: 'nothing' },
        { path: '/payment/valid', expected: 'string in the format date-time', got: 'number 1' },
        { path: '/history/1', expected: 'string in the format date-time', got: 'string of length 1' },
      ],
    ])
    expect(await issuesOf('booking', undefined)).to.deep.equal(['INVALID_INPUT', [{ path: '', expected: 'an input', got: 'nothing' }]])
    expect(await issuesOf('booking', [])).to.deep.equal(['INVALID_INPUT', [{ path: '', expected: 'object', got: 'array of length 0' }]])
    expect(await issuesOf('booking', { ...booking, payment: { by: 'cash' } })).to.deep.equal([
      'INVALID_INPUT',
      [{ path: '/payment/by', expected: '"card" or "invoice"', got: 'string of length 4' }],
    ])
  })

  it('compare a value with the alternative that it means', async () => {
    const type = `{ ok: true; value: Date } | { ok: false; code: 1; text: string } | { ok: false; code: 2 } | null | string[]`
    await platform.deploy({ name: 'result', source: `/** @function */ export default (input: ${type}) => typeof input` })
    expect((await platform.invoke('result', { ok: false, code: 2 })).output).to.equal('object')
    const cases: [unknown, unknown][] = [
      [
        { ok: true, value: 1 },
        { path: '/value', expected: 'string in the format date-time', got: 'number 1' },
      ],
      [
        { ok: false, code: 1 },
        { path: '/text', expected: 'string', got: 'nothing' },
      ],
      [
        { ok: false, code: 3 },
        { path: '/code', expected: '1 or 2', got: 'number 3' },
      ],
      [{ ok: 1 }, { path: '/ok', expected: 'true or false', got: 'number 1' }],
      [{}, { path: '/ok', expected: 'true or false', got: 'nothing' }],
      [[1], { path: '/0', expected: 'string', got: 'number 1' }],
    ]
    for (const [value, issue] of cases) expect(await issuesOf('result', value)).to.deep.equal(['INVALID_INPUT', [issue]])
  })

  it('say little about a lot of mistakes', async () => {
    const error: unknown = await platform
      .invoke('booking', { ...booking, history: Array.from({ length: 100_000 }, () => 'x'.repeat(20)) })
      .catch((thrown: unknown) => thrown)
    if (!(error instanceof PlatformError)) throw new Error('it was accepted')
    expect(error.code).to.equal('INVALID_INPUT')
    expect(JSON.stringify(error.details['issues']).length).to.be.lessThan(300)
    expect(error.message).not.to.include('xxx')
  })

  it('hold what the function promised', async () => {
    for (const [kind, output] of Object.entries({ right: { count: 1 }, json: { count: 2 }, date: { count: 3, when: '1970-01-01T00:00:00.000Z' } }))
      expect((await platform.invoke('promises', kind)).output).to.deep.equal(output)
    expect(await issuesOf('promises', 'wrong')).to.deep.equal([
      'INVALID_OUTPUT',
      [
        { path: '/count', expected: 'number', got: 'string of length 3' },
        { path: '/when', expected: 'string in the format date-time', got: 'string of length 5' },
      ],
    ])
    expect(await issuesOf('promises', 'nothing')).to.deep.equal(['INVALID_OUTPUT', [{ path: '', expected: 'an output', got: 'nothing' }]])
    expect(await issuesOf('promises', 'nan')).to.deep.equal(['INVALID_OUTPUT', [{ path: '/count', expected: 'number', got: 'null' }]])
  })

  it('know no number that JSON does not have', async () => {
    await platform.deploy({
      name: 'ratio',
      source: '/** @function */ export default (input: { of: number }): { ratio: number } => ({ ratio: input.of / 0 })',
    })
    for (const of of [0, 1]) {
      expect(await issuesOf('ratio', { of })).to.deep.equal(['INVALID_OUTPUT', [{ path: '/ratio', expected: 'number', got: 'null' }]])
    }
    const error: unknown = await platform.invokeJson('ratio', '{"of":1e999}').catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'INVALID_INPUT')
  })

  it('cannot be loosened by the code that they guard', async () => {
    for (let round = 0; round < 3; round++) expect((await platform.invoke('tampering', { name: 'a' })).output).to.deep.equal({ name: 'a' })
    expect(await issuesOf('tampering', { name: 1 })).to.deep.equal(['INVALID_INPUT', [{ path: '/name', expected: 'string', got: 'number 1' }]])
    expect(await issuesOf('tampering', ['a'])).to.deep.include('INVALID_INPUT')
  })

  it('are given by deploy, analyze and functions.get, and are part of the version', async () => {
    const source = (type: string) => `/** @function */ export default (input: ${type}) => { void input }`
    const { schemas, version } = await platform.deploy({ name: 'typed', source: source('string') })
    expect(schemas).to.deep.equal({ input: { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'string' } })
    expect((await platform.analyze({ source: source('string') })).schemas).to.deep.equal(schemas)
    expect((await platform.functions.get('typed')).schemas).to.deep.equal(schemas)
    expect((await platform.deploy({ name: 'typed', source: source('string') })).version).to.equal(version)
    expect((await platform.deploy({ name: 'typed', source: source('number') })).version).not.to.equal(version)
  })
})
