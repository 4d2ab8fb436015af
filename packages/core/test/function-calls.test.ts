import { join } from 'node:path'
import { expect } from 'chai'
import { createPlatform, type InvocationRecord, type Platform } from '@cordon/core'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

describe('ctx.functions.invoke', function () {
  this.timeout(30_000)
  let platform: Platform
  let remove: () => Promise<void>
  const records: InvocationRecord[] = []

  before(async () => {
    const scratch = await createScratch()
    remove = scratch.remove
    platform = await createPlatform({ dataDir: join(scratch.path, 'data'), logger: createNotingLogger(), scheduling: { maxSandboxes: 3, spares: 0 } })
    platform.on('invocation', (record) => records.push(record))
  })
  after(async () => {
    await platform.close()
    await remove()
  })
  afterEach(async () => {
    records.length = 0
    for (const { name } of await platform.functions.list()) await platform.functions.remove(name)
  })

  async function deploy(name: string, body: string, config: object = {}): Promise<void> {
    await platform.deploy({ name, source: handler(body), config })
  }

  it('calls a function of the tenant, for the same user, and records both', async () => {
    await deploy('inner', `return { got: input ?? null, user: ctx.user?.id, tenant: ctx.tenant.id }`)
    await deploy('outer', `return [await ctx.functions.invoke('inner', input), await ctx.functions.invoke('inner')]`)
    const { output } = await platform.invoke('outer', { text: 'ä\n"\u2028', list: [1, null] }, { user: { id: 'ada' } })
    expect(output).to.deep.equal([
      { got: { text: 'ä\n"\u2028', list: [1, null] }, user: 'ada', tenant: 'default' },
      { got: null, user: 'ada', tenant: 'default' },
    ])
    expect(records.map((one) => one.function)).to.deep.equal(['inner', 'inner', 'outer'])
    await deploy('nothing', 'return undefined')
    await deploy('asks', `return { is: typeof (await ctx.functions.invoke('nothing')) }`)
    expect((await platform.invoke('asks')).output).to.deep.equal({ is: 'undefined' })
  })

  it('refuses what the manifest does not name, with the remedy', async () => {
    await deploy('inner', 'return 1')
    await deploy('outer', `return ctx.functions.invoke(input.name)`)
    for (const name of ['inner', '__proto__', 'x'.repeat(10_000)]) {
      const error = await rejection(platform.invoke('outer', { name }), 'CAPABILITY_DENIED')
      expect(error.message).to.contain('Add its name to functions in the config of "outer"').and.have.length.below(300)
    }
    for (const name of [7, null, {}]) await rejection(platform.invoke('outer', { name }), 'FUNCTION_ERROR')
    await deploy('outer', `return ctx.functions.invoke(input.name)`, { functions: ['inner'] })
    expect((await platform.invoke('outer', { name: 'inner' })).output).to.equal(1)
  })

  it('reaches no function of another tenant', async () => {
    await platform.tenant('other').deploy({ name: 'inner', source: handler('return 1') })
    await deploy('outer', `return ctx.functions.invoke('inner').catch((error) => error.code)`)
    expect((await platform.invoke('outer')).output).to.equal('FUNCTION_NOT_FOUND')
    await platform.tenants.remove('other')
  })

  it('gives failures to the function as errors with a code, and is its own error when it lets them through', async () => {
    await platform.deploy({
      name: 'inner',
      source: `/** @function */\nexport default async function inner(input: { n: number }) { if (input.n === 1) throw new Error('boom'); while (input.n === 2) await null; return input.n }`,
      config: { timeoutMs: 300 },
    })
    await deploy(
      'outer',
      `try { return await ctx.functions.invoke('inner', input.given) }
       catch (error) { if (input.lets) throw error; return [error.code, error.message, Object.keys(error.details).sort()] }`,
    )
    const cases = [
      [{ n: 1 }, 'FUNCTION_ERROR', 'boom'],
      [{ n: 'x' }, 'INVALID_INPUT', '/n'],
      [{ n: 2 }, 'TIMEOUT', '300'],
    ] as const
    for (const [given, code, text] of cases) {
      const { output } = await platform.invoke<unknown, [string, string, string[]]>('outer', { given })
      expect(output[0]).to.equal(code)
      expect(output[1]).to.contain(text)
      expect(output[2]).to.include('invocationId').and.not.include('outcome')
    }
    // It was not the outer function that ran too long.
    await rejection(platform.invoke('outer', { given: { n: 2 }, lets: true }), 'FUNCTION_ERROR')
    await deploy('big', `return ctx.functions.invoke('inner', { n: 1n }).catch((error) => error.name)`)
    expect((await platform.invoke('big')).output).to.equal('TypeError')
  })

  it('refuses circles, and chains that are too long', async () => {
    await deploy('self', `return ctx.functions.invoke('self')`)
    expect((await rejection(platform.invoke('self'), 'CAPABILITY_DENIED')).message).to.contain('self > self')
    await deploy('a', `return ctx.functions.invoke('b')`)
    await deploy('b', `return ctx.functions.invoke('a')`)
    expect((await rejection(platform.invoke('a'), 'CAPABILITY_DENIED')).message).to.contain('a > b > a')
  })

  it('ends calls with their caller', async () => {
    await deploy('inner', `await new Promise((resolve) => setTimeout(resolve, 20_000)); return 1`, { timeoutMs: 4000 })
    await deploy(
      'late',
      `void ctx.functions.invoke('inner').catch(() => undefined); await new Promise((resolve) => setTimeout(resolve, 100)); return 1`,
    )
    const ended = new Promise<InvocationRecord>((resolve) => {
      const stop = platform.on('invocation', (record) => {
        if (record.function !== 'inner') return
        stop()
        resolve(record)
      })
    })
    await platform.invoke('late')
    expect((await ended).outcome).to.equal('CANCELLED')
    // What is left of the caller's time is all that it gets.
    await deploy('short', `return ctx.functions.invoke('inner')`, { timeoutMs: 400 })
    const second = new Promise<InvocationRecord>((resolve) => {
      const stop = platform.on('invocation', (record) => {
        if (record.function !== 'inner') return
        stop()
        resolve(record)
      })
    })
    await platform.invoke('short').catch(() => undefined)
    const record = await second
    expect(record.outcome).to.be.oneOf(['CANCELLED', 'TIMEOUT'])
    expect(record.durationMs).to.be.below(2000)
  })

  it('fails with OVERLOADED when all who hold a sandbox wait for one', async () => {
    await deploy('inner', 'return 1')
    await deploy('outer', `return ctx.functions.invoke('inner').catch((error) => error.code)`, { timeoutMs: 5000 })
    const results = await Promise.all([1, 2, 3].map(() => platform.invoke('outer')))
    const outputs = results.map(({ output }) => output)
    expect(outputs).to.include('OVERLOADED')
    for (const output of outputs) expect(output).to.be.oneOf(['OVERLOADED', 1])
  })

  it('lets ten calls of an invocation run at once, and a thousand in all', async () => {
    await deploy('inner', 'return input', { instanceConcurrency: 100 })
    await deploy(
      'outer',
      `const codes = {}; let done = 0
       await Promise.all(Array.from({ length: 1010 }, (_, n) => ctx.functions.invoke('inner', n).then(() => { done++ }, (error) => { codes[error.code] = (codes[error.code] ?? 0) + 1 })))
       return { done, codes }`,
      { timeoutMs: 20_000 },
    )
    expect((await platform.invoke('outer')).output).to.deep.equal({ done: 1000, codes: { CAPABILITY_DENIED: 10 } })
  })
})
