import { readFileSync } from 'node:fs'
import type { ExecutableVersion, Executor, JsonInvocation, Limits, Outcome } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { expect } from 'chai'
import { setOutCanaries, type Canaries } from './bare-sandbox.js'

interface Attack {
  readonly file: string
  readonly expected: 'denied' | 'clean' | 'timeout' | 'memory' | 'crash'
}

const directory = new URL('../test/fixtures/attacks/', import.meta.url)
const attacks = JSON.parse(readFileSync(new URL('manifest.json', directory), 'utf8')) as Attack[]
const limits: Limits = {
  timeoutMs: 15_000,
  loadTimeoutMs: 2000,
  memoryMb: 128,
  concurrency: 10,
  instanceConcurrency: 1,
  queueLength: 1000,
  queueMs: 60_000,
  payloadBytes: 6_000_000,
  outputBytes: 6_000_000,
  logBytes: 256_000,
}

describe('the attack files, through the executor with no analyzer before it', function () {
  this.timeout(120_000)
  let executor: Executor
  let canaries: Canaries
  const outcomes = new Map<string, Outcome>()
  const touched = new Map<string, string[]>()

  before(async function () {
    if (process.platform !== 'linux') return this.skip()
    process.env['HOST_CANARY'] = 'CANARY in the environment'
    canaries = await setOutCanaries()
    executor = await createExecutor({ spares: 1 })
    for (const { file, expected } of attacks) {
      outcomes.set(file, await run(file, attackCode(file), expected === 'timeout' ? 2000 : limits.timeoutMs))
      touched.set(file, canaries.touched())
    }
  })
  after(async () => {
    delete process.env['HOST_CANARY']
    await executor?.destroy()
    await canaries?.[Symbol.asyncDispose]()
  })

  function run(name: string, code: string, timeoutMs = limits.timeoutMs): Promise<Outcome> {
    const version: ExecutableVersion = {
      tenant: 'default',
      function: name,
      version: name,
      limits,
      env: {},
      loadBundle: async () => ({ code, sourceMap: '', hash: name }),
    }
    const request = { method: 'POST', url: '/', path: '/', query: {}, headers: {} }
    const capabilities = { call: async () => null, end: async () => {} }
    const input = { canaryPath: canaries.path, canaryWritePath: canaries.writePath, canaryPort: canaries.port, canaryPid: process.pid }
    const invocation: JsonInvocation = { invocationId: name, user: null, capabilities, inputJson: JSON.stringify(input), request, timeoutMs }
    return executor.invoke(version, invocation)
  }

  it('are run at level launcher', () => expect(executor.stats().sandbox.level).to.equal('launcher'))

  for (const { file, expected } of attacks) {
    it(`${file} is ${expected}`, function () {
      const outcome = outcomes.get(file)
      expect(touched.get(file)).to.deep.equal([])
      if (outcome?.kind === 'success') {
        // Errors that the attack catches itself are fine, also where memory ran out: a RangeError is the limit at work.
        expect(['denied', 'clean', 'memory', 'crash']).to.include(expected)
        const output = JSON.parse(outcome.outputJson ?? 'null') as { escaped?: boolean } | null
        expect(output?.escaped, outcome.outputJson?.slice(0, 200)).not.to.equal(true)
        return
      }
      const codes = { denied: [], clean: [], timeout: ['TIMEOUT', 'MEMORY_LIMIT'], memory: ['MEMORY_LIMIT'], crash: ['CRASHED'] }[expected]
      expect(outcome?.error.origin).to.equal('function')
      if (codes.length > 0) expect(codes, outcome?.error.message).to.include(outcome?.error.code)
    })
  }

  it('leave the next call alone', async function () {
    const outcome = await run('next', `(async (builtin, handOver) => handOver({ default: () => 'fine' }))`)
    expect(outcome.kind === 'success' && outcome.outputJson).to.equal('"fine"')
  })
})

/** The form of a bundle: imports go through `builtin`, as the analyzer's bundler writes them. */
function attackCode(file: string): string {
  const source = readFileSync(new URL(file, directory), 'utf8')
  const body = source.replaceAll('export default ', '').replaceAll('import.meta', 'importMeta').replaceAll('import(', 'imports(')
  const imports = `const imports = async (name) => { const found = builtin(String(name).replace(/^node:/, '')); return { ...found, default: found } }`
  return `(async function (builtin, handOver, importMetaUrl) { const importMeta = { url: importMetaUrl }; ${imports}\n${body}\nhandOver({ default: handler }) })`
}
