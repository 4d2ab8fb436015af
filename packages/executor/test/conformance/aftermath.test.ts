import { expect } from 'chai'
import type { Capabilities, Executor } from '@cordon/contracts'
import { conformance } from './isolations.ts'
import { failureOf, fetchFrom, invoke, outputOf, versionOfCode } from '../harness.ts'

/** Notes on the host that it has begun, and leaves a promise behind whose rejection ends the process right after the result. */
const straying = `handOver({ default: async (number, ctx) => {
  await ctx.db.query(String(number))
  void Promise.reject(new Error('nobody handles this'))
  return number
} })`

conformance('a process that ends of what an earlier call left behind', (createExecutor) => {
  let executor: Executor
  /** How often each call has begun. */
  let begun: Map<string, number>
  const capabilities: Capabilities = {
    call: async (_method, argument) => {
      const { text } = argument as { text: string }
      begun.set(text, (begun.get(text) ?? 0) + 1)
      return { fields: [], rows: [], rowCount: 0 }
    },
    end: async () => undefined,
  }
  before(async () => (executor = await createExecutor()))
  beforeEach(() => (begun = new Map()))
  after(() => executor.close())

  it('fails no call that was on its way to it, and has each begin once', async () => {
    const version = versionOfCode(straying)
    for (let number = 0; number < 12; number++) expect(outputOf(await invoke(executor, version, number, { capabilities }))).to.equal(number)
    expect([...begun.values()]).to.deep.equal(Array.from({ length: 12 }, () => 1))
  })

  it('fails no call of several callers at once either, whose sandboxes all end', async () => {
    const version = versionOfCode(straying)
    async function caller(name: number): Promise<void> {
      for (let number = name; number < 12; number += 3) expect(outputOf(await invoke(executor, version, number, { capabilities }))).to.equal(number)
    }
    await Promise.all([caller(0), caller(1), caller(2)])
    expect([...begun.values()]).to.deep.equal(Array.from({ length: 12 }, () => 1))
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
  })

  it('fails no call when there are no more sandboxes than callers, and starves no cold start beside it', async () => {
    const small = await createExecutor({ maxSandboxes: 2 })
    const version = versionOfCode(straying)
    const over = new AbortController()
    async function caller(): Promise<void> {
      while (!over.signal.aborted) outputOf(await invoke(small, version, 1, { capabilities }))
    }
    const callers = Promise.allSettled([caller(), caller(), caller()])
    for (let fresh = 0; fresh < 3; fresh++) expect(outputOf(await invoke(small, versionOfCode('handOver({ default: () => 1 })')))).to.equal(1)
    over.abort()
    for (const { status } of await callers) expect(status).to.equal('fulfilled')
    await small.close()
  })

  it('has no call begin twice, whatever runs beside it', async () => {
    const version = versionOfCode(straying, { instanceConcurrency: 4, concurrency: 8 })
    const outcomes = await Promise.all(Array.from({ length: 60 }, (_none, number) => invoke(executor, version, number, { capabilities })))
    for (const [number, outcome] of outcomes.entries()) {
      if (outcome.kind === 'success') expect(begun.get(String(number))).to.equal(1)
      else expect(outcome.error.code).to.be.oneOf(['FUNCTION_ERROR', 'CRASHED'])
    }
    for (const [number, times] of begun) expect(times, `call ${number}`).to.equal(1)
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
  })

  it('says so to a call that cannot begin again, because its body was read', async () => {
    const version = versionOfCode(`handOver({ default: { fetch() { void Promise.reject(new Error('stray')); return new Response('fine') } } })`)
    const text = async (body?: string) => {
      const exchange = fetchFrom(executor, version, '/', body === undefined ? {} : { method: 'POST', body: new Blob([body]).stream() })
      // Neither is the end of a body the end of its call.
      const outcome = exchange.outcome
      await exchange.response.then((response) => new Response(response.body).text()).catch(() => undefined)
      return outcome
    }
    expect((await text()).kind).to.equal('success')
    expect((await text()).kind).to.equal('success')
    // A call that comes when the end was already noticed begins in a fresh process and is fine.
    let outcome = await text('a body')
    for (let call = 1; call < 50 && outcome.kind === 'success'; call++) outcome = await text('a body')
    const { code, message } = failureOf(outcome)
    expect({ code, message }).to.deep.equal({
      code: 'CRASHED',
      message: 'Cannot finish the invocation: its process ended because of something that an earlier one had left behind',
    })
  })

  it('is not what a function says that ends by itself', async () => {
    for (const exit of [1, 257, 86, 86 + 256, -170]) {
      const version = versionOfCode(
        `handOver({ default: async (input, ctx) => { if (input === 'warm') return 1; await ctx.db.query('x'); process.exit(${exit}) } })`,
      )
      outputOf(await invoke(executor, version, 'warm', { capabilities }))
      begun.clear()
      const { code, details } = failureOf(await invoke(executor, version, 'exit', { capabilities }))
      expect({ code, exitCode: details['exitCode'] }).to.deep.equal({ code: 'CRASHED', exitCode: 1 })
      expect(begun.get('x')).to.equal(1)
    }
  })
})
