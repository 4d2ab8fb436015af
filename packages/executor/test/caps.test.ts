import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Capabilities, Executor, Limits, Outcome } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { expect } from 'chai'
import { encodeBytesFrame, encodeNumberFrame, encodeTextFrame } from '../dist/frames/encoder.js'
import { bodyWindowBytes, headerBytes, maxHostCallBytes, maxHostCalls, toHost, toSandbox } from '../dist/frames/protocol.js'
import { failureOf, fetchFrom, invoke, outputOf, versionOfCode } from './harness.ts'
import { createScriptedExecutor, settle, type ScriptedSandbox } from './scripted-sandbox.ts'

const mib = 1_048_576
const never: Capabilities = { call: () => new Promise<never>(() => undefined), end: async () => undefined }
const cpu = Buffer.alloc(4)

// Without it the figures would say how lazy the collector is.
setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')
setFlagsFromString('--no-expose-gc')

/** Memory of this process that its own objects and buffers take, in MiB. */
function heldMb(): number {
  if (typeof collectGarbage === 'function') collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / mib
}

interface Running {
  readonly executor: Executor
  readonly sandbox: ScriptedSandbox
  readonly outcome: Promise<Outcome>
}

/** A call that runs in a sandbox which the test plays. */
async function start(capabilities: Capabilities, body?: ReadableStream<Uint8Array>, limits: Partial<Limits> = {}): Promise<Running> {
  const { executor, sandboxes } = createScriptedExecutor()
  const version = versionOfCode('', limits)
  const isHttp = body !== undefined
  const outcome = isHttp
    ? fetchFrom(executor, version, '/', { body }, { capabilities }).outcome
    : invoke(executor, version, undefined, { capabilities })
  await settle()
  const [sandbox] = sandboxes
  if (sandbox === undefined) throw new Error('no sandbox was started')
  sandbox.send(encodeNumberFrame(toHost.ready, 0, 0))
  await sandbox.until(toSandbox.load)
  sandbox.send(encodeBytesFrame(toHost.loaded, 0, cpu, Buffer.from(isHttp ? 'http' : 'json')))
  await sandbox.until(isHttp ? toSandbox.fetch : toSandbox.invoke)
  return { executor, sandbox, outcome }
}

function noBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}

describe('what a hostile sandbox can make the host hold', function () {
  this.timeout(60_000)

  it('is no more than the host calls that are allowed, of a million', async () => {
    let calls = 0
    const { executor, sandbox, outcome } = await start({ call: () => (calls++, new Promise<never>(() => undefined)), end: async () => undefined })
    const call = encodeBytesFrame(toHost.call, 1, Buffer.from('\u0001\0\0\0db.query\n{}'))
    const thousand = Buffer.concat(Array.from({ length: 1000 }, () => call))
    const before = heldMb()
    for (let times = 0; times < 1000; times++) sandbox.send(thousand)
    expect(failureOf(await outcome).message).to.contain(`than the ${maxHostCalls} that are allowed`)
    expect(calls).to.equal(maxHostCalls)
    expect(heldMb() - before).to.be.lessThan(64)
    await executor.destroy()
  })

  it('is no more than two of the largest arguments of host calls', async () => {
    let calls = 0
    const { executor, sandbox, outcome } = await start({ call: () => (calls++, new Promise<never>(() => undefined)), end: async () => undefined })
    const call = encodeTextFrame(toHost.call, 1, `0000db.query\n"${'x'.repeat(maxHostCallBytes - 20)}"`)
    for (let times = 0; times < 4; times++) sandbox.send(call)
    expect(failureOf(await outcome).message).to.contain('bytes of arguments')
    expect(calls).to.equal(2)
    await executor.destroy()
  })

  it('is no more answers than host calls are allowed, when it reads none of them', async () => {
    let calls = 0
    const answer = 'x'.repeat(10_000)
    const { executor, sandbox, outcome } = await start({ call: async () => (calls++, answer), end: async () => undefined })
    sandbox.channel.pause()
    const call = encodeBytesFrame(toHost.call, 1, Buffer.from('\u0001\0\0\0db.query\n{}'))
    for (let times = 0; times < 1000 && !sandbox.isKilled; times++) {
      sandbox.send(call)
      await settle()
    }
    expect(failureOf(await outcome).message).to.contain('more host calls at once')
    // What the pipe itself takes counts as read.
    expect(calls).to.be.lessThan(maxHostCalls + 16)
    await executor.destroy()
  })

  it('is no more of a request body than a window, whatever credit it gives without reading', async () => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>(
      { pull: (controller) => (pulled++, controller.enqueue(new Uint8Array(65_536))) },
      { highWaterMark: 0 },
    )
    const { executor, sandbox } = await start(never, body)
    sandbox.channel.pause()
    const credit = encodeNumberFrame(toHost.credit, 1, 65_536)
    for (let times = 0; times < 100; times++) {
      sandbox.send(credit)
      await settle()
    }
    expect(pulled * 65_536).to.be.at.most(bodyWindowBytes + 2 * 65_536)
    await executor.destroy()
  })

  it('is the window of a response body, also in pieces of one byte', async () => {
    const { executor, sandbox } = await start(never, noBody())
    sandbox.send(encodeTextFrame(toHost.head, 1, '{"status":200,"headers":[],"hasBody":true}'))
    const piece = Buffer.concat(Array.from({ length: 1024 }, () => encodeTextFrame(toHost.body, 1, 'x')))
    await settle()
    const before = heldMb()
    for (let bytes = 0; bytes < bodyWindowBytes; bytes += 1024) sandbox.send(piece)
    while (sandbox.channel.writableLength > 0) await settle()
    await settle()
    expect(sandbox.isKilled).to.equal(false)
    expect(heldMb() - before).to.be.lessThan(16)
    sandbox.send(encodeTextFrame(toHost.body, 1, 'x'))
    await settle()
    expect(sandbox.isKilled).to.equal(true)
    await executor.destroy()
  })

  it('is nothing of the largest frame that 64 of them only announce', async () => {
    const all = await Promise.all(Array.from({ length: 64 }, () => start(never)))
    const before = process.memoryUsage().rss
    const head = encodeNumberFrame(toHost.call, 1, 0)
    head.writeUInt32LE(maxHostCallBytes, 0)
    for (const { sandbox } of all) sandbox.send(head.subarray(0, headerBytes + 1))
    await settle()
    expect(all.filter(({ sandbox }) => sandbox.isKilled)).to.have.length(0)
    expect((process.memoryUsage().rss - before) / mib).to.be.lessThan(64)
    await Promise.all(all.map(({ executor }) => executor.destroy()))
  })

  it('is the start of what it prints, and printing more than a mebibyte ends it', async () => {
    const { executor, sandbox, outcome } = await start(never)
    for (let times = 0; times < 32; times++) sandbox.output.write(Buffer.alloc(65_536, 97))
    const result = await outcome
    expect(failureOf(result)).to.have.property('code', 'PROTOCOL_VIOLATION')
    expect(result.logs.at(-1)?.message).to.have.length(8192)
    await executor.destroy()
  })
})

describe('the limits of the protocol, for a function that keeps to them', function () {
  this.timeout(30_000)
  let executor: Executor
  before(async () => (executor = await createExecutor()))
  after(() => executor.close())
  const slow: Capabilities = {
    call: () => new Promise((resolve) => setImmediate(resolve, { fields: [], rows: [], rowCount: 0 })),
    end: async () => undefined,
  }

  it('are not met by host calls that an earlier invocation left behind', async () => {
    const code = `handOver({ default: async ({ count, wait }, ctx) => {
      const all = Array.from({ length: count }, () => ctx.db.query('x').catch(() => undefined))
      return wait ? (await Promise.all(all)).length : 'left'
    } })`
    const version = versionOfCode(code)
    expect(outputOf(await invoke(executor, version, { count: 500, wait: false }, { capabilities: never }))).to.equal('left')
    expect(outputOf(await invoke(executor, version, { count: 500, wait: true }, { capabilities: slow }))).to.equal(500)
  })

  it('are not met by many large arguments at once', async () => {
    const code = `handOver({ default: async (input, ctx) => {
      const values = ['x'.repeat(9_000_000)]
      return (await Promise.all(Array.from({ length: 5 }, () => ctx.db.query('x', values)))).length
    } })`
    expect(outputOf(await invoke(executor, versionOfCode(code, { memoryMb: 512, timeoutMs: 20_000 }), undefined, { capabilities: slow }))).to.equal(5)
  })

  it('are named when the head of a response is too large', async () => {
    const code = `handOver({ default: { fetch: () => new Response('x', { headers: { 'x-long': 'a'.repeat(300_000) } }) } })`
    const { response, outcome } = fetchFrom(executor, versionOfCode(code), '/')
    const { code: errorCode, message } = failureOf(await outcome)
    expect(errorCode).to.equal('OUTPUT_LIMIT')
    expect(message).to.match(/head of its response has 300\d+ bytes, allowed are 262144/)
    await response.catch(() => undefined)
  })
})

describe('the log that the host keeps of a call', () => {
  it('has the last lines, however many came before, and counts the bytes of texts as dropped', async () => {
    const lines = 5000
    const places = '12:34,56:78'
    const { executor, sandbox, outcome } = await start(never, undefined, { logBytes: 10_000 })
    for (let line = 0; line < lines; line++) {
      const message = `line ${String(line).padStart(4, '0')}`
      const head = Buffer.from([1, places.length, message.length, 0, 0, 0])
      sandbox.send(encodeBytesFrame(toHost.log, 1, head, Buffer.from(`${places}${message}{ "a": 1 }`)))
      if (line % 100 === 0) await settle()
    }
    sandbox.send(encodeBytesFrame(toHost.result, 1, cpu))
    const { logs, droppedLogBytes } = await outcome
    expect(logs.at(-1)?.message).to.equal('line 4999')
    // Each takes 9 + 10 bytes of text and 32 of bookkeeping; half of the limit is for the first, half for the last.
    expect(logs).to.have.length(2 * Math.floor(5000 / 51))
    expect(droppedLogBytes).to.equal((lines - logs.length) * 19)
    await executor.destroy()
  })
})
