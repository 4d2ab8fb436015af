import { expect } from 'chai'
import type { Executor } from '@cordon/contracts'
import { conformance } from './isolations.ts'
import { failureOf, invoke, isAlive, outputOf, versionOf, versionOfCode } from '../harness.ts'

conformance(
  'failures that end a sandbox',
  (createExecutor, isolation) => {
    let executor: Executor
    const pids: number[] = []
    before(async () => {
      executor = await createExecutor({ onSandbox: ({ pid, state }) => state === 'booting' && pids.push(pid) })
    })
    after(async () => {
      await executor.close()
      for (const pid of pids) expect(await isAlive(pid), `process ${pid}`).to.equal(false)
    })

    const endings: readonly [name: string, code: string, limits?: { timeoutMs: number }][] = [
      ['loop', 'TIMEOUT', { timeoutMs: 200 }],
      ['microtasks', 'TIMEOUT', { timeoutMs: 200 }],
      ['never', 'TIMEOUT', { timeoutMs: 100 }],
      ['exit0', 'CRASHED'],
      ['exit1', 'CRASHED'],
      ['abort', 'CRASHED'],
      ['heap', 'MEMORY_LIMIT', { timeoutMs: 20_000 }],
      ['recursion', 'FUNCTION_ERROR'],
    ]
    for (const [name, code, limits] of endings) {
      if (name === 'heap' && !isolation.can('survive a full heap')) continue
      it(`ends ${name} as ${code}, keeps what was logged before, and runs the next call`, async () => {
        const version = versionOf('endings.mjs', { memoryMb: 64, ...limits })
        const outcome = await invoke(executor, version, name)
        expect(failureOf(outcome).code).to.equal(code)
        expect(outcome.logs[0]?.message).to.equal(`about to ${name}`)
        expect(outputOf(await invoke(executor, version, 'fine'))).to.equal('fine')
      })
    }

    for (const name of isolation.can('count memory outside the heap') ? ['buffers', 'string', 'wasm'] : []) {
      it(`stops ${name} that take all memory`, async () => {
        const version = versionOf('endings.mjs', { memoryMb: 64, timeoutMs: 20_000 })
        // A refused allocation is an exception of the function; what grows silently is killed.
        expect(failureOf(await invoke(executor, version, name)).code).to.be.oneOf(['MEMORY_LIMIT', 'FUNCTION_ERROR'])
        expect(outputOf(await invoke(executor, version, 'fine'))).to.equal('fine')
      })
    }
  },
  { levels: true },
)

conformance('the end of a function', (createExecutor, isolation) => {
  let executor: Executor
  before(async () => (executor = await createExecutor()))
  after(() => executor.close())

  it('keeps what was logged last, also after more than the limit', async () => {
    const code = `handOver({ default: async (input, ctx) => {
      for (let line = 0; line < 5000; line++) console.log('line ' + line)
      console.log('last words')
      await new Promise((resolve) => setTimeout(resolve, 200))
      void ctx.db.query('about to loop')
      for (;;);
    } })`
    const over = new AbortController()
    const capabilities = {
      call: async () => {
        over.abort()
        return new Promise<never>(() => undefined)
      },
      end: async () => undefined,
    }
    const outcome = await invoke(executor, versionOfCode(code, { logBytes: 10_000, timeoutMs: 20_000 }), 0, { signal: over.signal, capabilities })
    expect(failureOf(outcome).code).to.equal('CANCELLED')
    expect(outcome.logs[0]?.message).to.equal('line 0')
    expect(outcome.logs.at(-1)?.message).to.equal('last words')
    expect(outcome.logs.length).to.be.lessThan(2000)
  })

  it('keeps what was logged last when the function ends its process', async () => {
    // No more lines than a pipe holds: what it does not take when the process ends is lost.
    const code = `handOver({ default: () => {
      for (let line = 0; line < 200; line++) console.log('line ' + line)
      console.log('last words')
      process.exit(3)
    } })`
    const outcome = await invoke(executor, versionOfCode(code, { logBytes: 1000, timeoutMs: 20_000 }))
    expect(failureOf(outcome).code).to.equal('CRASHED')
    expect(outcome.logs.at(-1)?.message).to.equal('last words')
    expect(outcome.droppedLogBytes).to.be.greaterThan(500)
  })

  it('is no violation after any number of empty lines', async () => {
    const code = `handOver({ default: () => { for (let line = 0; line < 300_000; line++) console.log('') } })`
    const outcome = await invoke(executor, versionOfCode(code, { timeoutMs: 20_000 }))
    expect(outcome.kind === 'failure' ? outcome.error.message : 'success').to.equal('success')
    expect(outcome.logs.length).to.be.lessThan(10_000)
  })

  it('tells CPU time, also of a call that was killed', async () => {
    const code = `handOver({ default: async (ms) => { for (const end = Date.now() + ms; Date.now() < end;); await new Promise((resolve) => setTimeout(resolve, 300)) } })`
    const version = versionOfCode(code, { timeoutMs: 1000 })
    const done = await invoke(executor, version, 100)
    expect(done.cpuMs).to.be.within(10, 300)
    const killed = await invoke(executor, version, 60_000)
    expect(failureOf(killed).code).to.equal('TIMEOUT')
    if (isolation.can('measure a killed call')) expect(killed.cpuMs).to.be.greaterThan(50)
  })
})

conformance('failures of a function', (createExecutor, isolation) => {
  let executor: Executor
  before(async () => (executor = await createExecutor()))
  after(() => executor.close())

  it('keeps name, message, stack and cause of an exception', async () => {
    const { code, message, details } = failureOf(await invoke(executor, versionOf('throws.mjs'), 'error'))
    expect({ code, message }).to.deep.equal({ code: 'FUNCTION_ERROR', message: 'no more' })
    const error = details['error'] as { name: string; stack: string; cause: { name: string; message: string } }
    expect(error.name).to.equal('QuotaError')
    expect(error.cause).to.include({ name: 'TypeError', message: 'inner' })
    expect(error.stack).to.contain('throws.mjs:7:').and.not.contain('[eval]')
  })

  for (const name of ['null', 'text', 'symbol', 'proxy', 'getters', 'huge', 'unprintable', 'loop', 'later', 'rejection']) {
    it(`survives a thrown ${name}`, async () => {
      const { code, message } = failureOf(await invoke(executor, versionOf('throws.mjs'), name))
      expect(code).to.equal('FUNCTION_ERROR')
      expect(message.length).to.be.lessThan(10_000)
    })
  }

  const outputs: readonly [string, string][] = [
    ['bigint', 'BigInt'],
    ['cycle', 'circular'],
    ['function', 'function'],
    ['symbol', 'symbol'],
    ['deep', 'deeper than 200'],
    ['bottomless', 'call stack|deeper than 200'],
    ['response', 'export default . fetch'],
    ['throwing', 'getter'],
  ]
  it('refuses outputs that JSON cannot hold and says why', async () => {
    const version = versionOf('outputs.mjs')
    for (const [name, reason] of outputs) {
      const { code, message } = failureOf(await invoke(executor, version, name))
      expect({ code, message }, name).to.have.property('code', 'INVALID_OUTPUT')
      expect(message).to.match(new RegExp(reason))
    }
  })

  it('refuses an output that is too large, and takes one that is just not', async () => {
    const version = versionOf('outputs.mjs')
    expect(failureOf(await invoke(executor, version, 'huge'))).to.include({ code: 'OUTPUT_LIMIT' })
    expect(outputOf(await invoke(executor, version, 'allowed'))).to.have.length(2_900_000)
  })

  it('takes null, nothing, strange keys and brackets in strings', async () => {
    const version = versionOf('outputs.mjs')
    expect(outputOf(await invoke(executor, version, 'undefined'))).to.equal(undefined)
    expect(outputOf(await invoke(executor, version, 'null'))).to.equal(null)
    expect(await invoke(executor, version, 'proto')).to.include({ outputJson: '{"__proto__":{"polluted":true},"constructor":1}' })
    expect(outputOf(await invoke(executor, version, 'brackets'))).to.have.length(2000)
  })

  it('stops a giant sparse array', async () => {
    expect(failureOf(await invoke(executor, versionOf('outputs.mjs', { timeoutMs: 3000 }), 'sparse')).code).to.be.oneOf([
      'MEMORY_LIMIT',
      'TIMEOUT',
      'INVALID_OUTPUT',
      'CRASHED',
    ])
  })

  it('keeps head and tail of a log flood', async () => {
    const outcome = await invoke(executor, versionOf('flood.mjs', { timeoutMs: 20_000 }), { bytes: 100_000_000 })
    expect(outputOf(outcome)).to.equal('done')
    expect(outcome.logs[0]?.message).to.equal('first')
    expect(outcome.logs.at(-1)?.message).to.equal('last')
    expect(outcome.logs.reduce((sum, { message }) => sum + message.length, 0)).to.be.at.most(256_000)
    expect(outcome.droppedLogBytes).to.be.greaterThan(99_000_000)
  })

  if (isolation.can('stop work after the result')) {
    it('discards a sandbox that goes on working after the result', async () => {
      const version = versionOf('background.mjs')
      let reason: (text: string | undefined) => void = () => undefined
      const died = new Promise<string | undefined>((resolve) => (reason = resolve))
      const own = await createExecutor({ spares: 0, onSandbox: (event) => event.state === 'dead' && reason(event.reason) })
      expect(outputOf(await invoke(own, version))).to.equal('armed')
      expect(await died).to.equal('CRASHED')
      await own.close()
    })
  }

  describe('while it is loaded', () => {
    const loads: readonly [string, string, string][] = [
      ['load-throws.mjs', 'LOAD_FAILED', 'the module is broken'],
      ['no-default.mjs', 'LOAD_FAILED', 'default export'],
      ['number-default.mjs', 'LOAD_FAILED', 'type number'],
      ['load-loops.mjs', 'TIMEOUT', 'load'],
      ['load-exits.mjs', 'CRASHED', 'exit code 0'],
    ]
    for (const [file, code, text] of loads) {
      it(`ends ${file} as ${code}`, async () => {
        const failure = failureOf(await invoke(executor, versionOf(file, { loadTimeoutMs: 300 })))
        expect(failure.code).to.equal(code)
        expect(failure.message).to.contain(text)
        if (code === 'TIMEOUT') expect(failure.details['stage']).to.equal('load')
      })
    }

    it('ends code that is no script, code that never finishes, and code that cannot be had', async () => {
      expect(
        failureOf(await invoke(executor, { ...versionOfCode(''), loadBundle: async () => ({ code: 'not a script', sourceMap: '', hash: '' }) })).code,
      ).to.equal('LOAD_FAILED')
      expect(failureOf(await invoke(executor, versionOfCode('await new Promise(() => undefined)', { loadTimeoutMs: 100 }))).code).to.equal('TIMEOUT')
      expect(
        failureOf(await invoke(executor, { ...versionOfCode(''), loadBundle: () => Promise.reject(new Error('store is away')) })).message,
      ).to.contain('store is away')
      expect(
        failureOf(await invoke(executor, versionOfCode('setTimeout(() => { throw new Error("late") }, 1); await new Promise(() => undefined)')))
          .message,
      ).to.contain('late')
    })

    it('does not start a process for every call of code that cannot be loaded', async () => {
      const version = versionOf('load-throws.mjs')
      const before = executor.stats().killed
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => invoke(executor, version)))
      for (const outcome of outcomes) expect(failureOf(outcome).code).to.equal('LOAD_FAILED')
      for (let call = 0; call < 20; call++) await invoke(executor, version)
      expect(executor.stats().killed - before).to.be.lessThan(20)
    })
  })
})
