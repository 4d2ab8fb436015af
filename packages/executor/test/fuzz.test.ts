import type { ExecutableVersion } from '@cordon/contracts'
import { limitTable, PlatformError, resolveOptions } from '@cordon/contracts'
import { expect } from 'chai'
import fc from 'fast-check'
import { FrameDecoder } from '../dist/frames/decoder.js'
import { encodeBytesFrame } from '../dist/frames/encoder.js'
import { HttpCall } from '../dist/sandbox/http-call.js'
import { JsonCall } from '../dist/sandbox/json-call.js'
import { OutputScan } from '../dist/sandbox/output-scan.js'
import { receiveFrame, receivePart, refuseFrame } from '../dist/sandbox/receive-frame.js'
import type { Sandbox } from '../dist/sandbox/sandbox.js'
import { jsonInvocation, noCapabilities, versionOf } from './harness.ts'

/** Frames that the properties below send through the host's own decoder and message handling. */
const framesPerRun = 100
const runs = 10_500
const version: ExecutableVersion = { ...versionOf('hello.mjs'), limits: resolveOptions(limitTable, { outputBytes: 4096, logBytes: 65_536 }) }
const owner = { cancelled: () => undefined, overdue: () => undefined }

/** The host's end of a sandbox whose process is this test. */
class FuzzedSandbox {
  readonly calls = new Map<number, JsonCall | HttpCall>()
  readonly violations: string[] = []
  readonly stats = undefined
  readonly outputScan = new OutputScan()
  readonly bundle = undefined
  cpuMicros = 0
  peakMb = 0
  version = version
  readonly decoder: FrameDecoder

  constructor() {
    this.calls.set(1, this.#started(new JsonCall(version, jsonInvocation(1), owner), 1))
    const request = { method: 'GET', url: 'http://x/', headers: [], body: null }
    const context = { method: 'GET', url: '/', path: '/', query: {}, headers: {} }
    const http = new HttpCall(version, { invocationId: 'i', user: null, capabilities: noCapabilities, request, context }, owner)
    this.calls.set(2, this.#started(http, 2))
    const sandbox = this as unknown as Sandbox
    this.decoder = new FrameDecoder({
      refuse: (type, id, length) => refuseFrame(sandbox, type, id, length),
      part: (type, id, payload) => this.violations.length === 0 && receivePart(sandbox, type, id, payload),
      frame: (type, id, payload) => this.violations.length === 0 && receiveFrame(sandbox, type, id, payload),
      violation: (reason) => void this.violations.push(reason),
    })
  }

  #started<T extends JsonCall | HttpCall>(call: T, id: number): T {
    call.id = id
    call.sandbox = this as unknown as Sandbox
    call.dispatchedAt = performance.now()
    return call
  }

  send(): void {}
  kill(): void {}
  violation(reason: string): void {
    this.violations.push(reason)
  }
  release(call: JsonCall | HttpCall): void {
    this.calls.delete(call.id)
  }
}

const texts = [
  '{}',
  '[]',
  'null',
  '{"code":"FUNCTION_ERROR","origin":1e400,"error":{"name":"a","message":"b","stack":"c","cause":{"name":1}}}',
  '{"code":"TIMEOUT","origin":0,"error":{"name":"a","message":"b","stack":"at x (cordon:///f/index.js:99999999:1)"}}',
  '{"__proto__":{"code":"FUNCTION_ERROR"},"constructor":1}',
  '{"status":200,"headers":[["a","b"],["set-cookie","c"]],"hasBody":true}',
  '{"status":200,"headers":[["a\\r","b"]],"hasBody":true}',
  '{"status":1e9,"headers":{},"hasBody":1}',
  '["x",[[[[]]]]]',
  '['.repeat(900),
  '"\\ud800"',
  '\u0000\u0000\u0000\u0000{"a":1}',
  '\u0001\u0000\u0000\u0000db.query\n{"text":"x","values":[]}',
  '\u0001\u0000\u0000\u0000__proto__\n{}',
  '\u0001\u0003\u0000\u0000\u0000abc{"a":1}',
  '1e309',
  '-5',
]

const payload = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...texts).map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)) },
)
const type = fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 32, max: 45 }) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) })
const id = fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 1, max: 2 }) }, { weight: 1, arbitrary: fc.nat() })
const alphabet = fc.sample(fc.tuple(type, id, payload), 4096).map(([one, number, bytes]) => encodeBytesFrame(one, number, bytes))

describe('the host, fed with a million hostile frames', function () {
  this.timeout(120_000)

  it('never throws, and ends every call at most once', async () => {
    let frames = 0
    let refused = 0
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: alphabet.length - 1 }), { minLength: 8, maxLength: 8 }),
        fc.integer({ min: 1, max: 300 }),
        fc.option(fc.tuple(fc.nat(1000), fc.nat(255))),
        (picks, cut, mutation) => {
          // Each pick starts a stride through the alphabet: making a million values with fast-check itself would take minutes.
          const pieces = Array.from(
            { length: framesPerRun },
            (_, index) => alphabet[((picks[index % 8] ?? 0) + index * 31) % alphabet.length] ?? Buffer.alloc(0),
          )
          const bytes = Buffer.concat(pieces)
          if (mutation !== null) bytes[mutation[0] % bytes.length] = mutation[1]
          let sandbox = new FuzzedSandbox()
          for (let offset = 0; offset < bytes.length; offset += cut) {
            sandbox.decoder.push(bytes.subarray(offset, offset + cut))
            if (sandbox.violations.length === 0 && sandbox.calls.size > 0) continue
            refused += sandbox.violations.length
            sandbox = new FuzzedSandbox()
          }
          frames += framesPerRun
        },
      ),
      { numRuns: runs },
    )
    // Answers to host calls are under way: none of them may become an unhandled rejection.
    await new Promise((resolve) => setImmediate(resolve))
    expect(frames).to.be.at.least(1_000_000)
    expect(refused).to.be.greaterThan(1000)
  })

  it('answers a host call that fails in any way', async () => {
    for (const thrown of [null, undefined, 'x', new PlatformError('QUERY_FAILED', 'x'), { toJSON: () => 1n }]) {
      const sandbox = new FuzzedSandbox()
      const call = new JsonCall(
        version,
        jsonInvocation(1, { capabilities: { call: () => Promise.reject(thrown), end: async () => undefined } }),
        owner,
      )
      sandbox.calls.set(3, call)
      sandbox.decoder.push(encodeBytesFrame(42, 3, Buffer.from('\u0001\u0000\u0000\u0000db.query\n{}')))
      await new Promise((resolve) => setImmediate(resolve))
      expect(call.hostCalls).to.equal(0)
    }
  })
})
