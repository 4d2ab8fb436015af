import { expect } from 'chai'
import fc from 'fast-check'
import { FrameDecoder } from '../dist/frames/decoder.js'
import { encodeBytesFrame, encodeNumberFrame, encodeTextFrame } from '../dist/frames/encoder.js'
import { isDeeperThan } from '../dist/frames/json-depth.js'
import { failureOf, invoke, outputOf, versionOfCode } from './harness.ts'
import { createHostileExecutor } from './hostile-runtime.ts'

interface Seen {
  readonly frames: [number, number, string][]
  readonly violations: string[]
  readonly decoder: FrameDecoder
}

function decode(maxPayload: (type: number) => number = () => 1_000_000): Seen {
  const frames: [number, number, string][] = []
  const violations: string[] = []
  const decoder = new FrameDecoder({
    refuse: (type, _id, length) => (length > maxPayload(type) ? 'too long' : undefined),
    frame: (type, id, payload) => frames.push([type, id, payload.toString('latin1')]),
    violation: (reason) => violations.push(reason),
  })
  return { frames, violations, decoder }
}

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    const anyFrame = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 0xffffffff }), fc.uint8Array({ maxLength: 300 }))
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map(([type, id, payload]) => encodeBytesFrame(type, id, payload)))
          const { frames: seen, violations, decoder } = decode()
          for (let offset = 0, cut = 0; offset < bytes.length; cut++) {
            const size = cuts[cut % cuts.length] ?? 1
            decoder.push(bytes.subarray(offset, offset + size))
            offset += size
          }
          expect(violations).to.deep.equal([])
          expect(seen).to.deep.equal(frames.map(([type, id, payload]) => [type, id, Buffer.from(payload).toString('latin1')]))
        },
      ),
    )
  })

  it('of garbage never throw and never hand on more than allowed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
        const { frames, decoder } = decode((type) => (type < 64 ? 100 : -1))
        for (const chunk of chunks) decoder.push(Buffer.from(chunk))
        for (const [type, , payload] of frames) expect(type < 64 && payload.length <= 100).to.equal(true)
      }),
    )
  })

  it('are refused by their header alone, before anything is buffered', () => {
    const { violations, frames, decoder } = decode(() => 10)
    decoder.push(encodeNumberFrame(1, 1, 1).subarray(0, 9))
    decoder.push(Buffer.alloc(4))
    expect(frames).to.have.length(1)
    decoder.push(encodeTextFrame(1, 1, 'eleven bytes').subarray(0, 9))
    expect(violations).to.have.length(1)
    decoder.push(encodeTextFrame(1, 1, 'x'))
    expect(frames).to.have.length(1)
  })

  it('measure the depth of JSON without recursion', () => {
    const deep = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels))
    expect(isDeeperThan(deep(200), 0, 200)).to.equal(false)
    expect(isDeeperThan(deep(201), 0, 200)).to.equal(true)
    expect(isDeeperThan(Buffer.from(JSON.stringify('[{'.repeat(500) + '"\\')), 0, 200)).to.equal(false)
    expect(isDeeperThan(deep(1_000_000), 0, 200)).to.equal(true)
  })
})

describe('a hostile sandbox', () => {
  const attacks: readonly [name: string, attack: string][] = [
    ['garbage', 'send(Buffer.alloc(100_000, 0xff))'],
    ['an unknown type', 'send(frame(99, 1))'],
    ['a frame of the host', 'send(frame(2, 1))'],
    ['an oversized frame', 'const head = frame(35, 1); head.writeUInt32LE(0xfffffff0, 0); send(head)'],
    [
      'an endless frame',
      'const head = frame(35, 1); head.writeUInt32LE(7_000_000, 0); send(head); const more = () => socket.write(Buffer.alloc(65536), more); more()',
    ],
    ['a result for another call', 'send(frame(35, 77, cpu))'],
    ['a second result', 'send(frame(43, 1, Buffer.from([1, 0, 0, 0, 0])), frame(35, 9, cpu))'],
    ['a result without its head', 'send(frame(35, 1, "x"))'],
    ['an output that is not JSON', 'send(frame(35, 1, Buffer.concat([cpu, Buffer.from("{nope")])))'],
    ['a deep output', 'send(frame(35, 1, Buffer.concat([cpu, Buffer.from("[".repeat(100000) + "]".repeat(100000))])))'],
    ['a failure that is not one', 'send(frame(36, 1, Buffer.concat([cpu, Buffer.from("{}")])))'],
    [
      'a failure only the host may claim',
      `send(frame(36, 1, Buffer.concat([cpu, Buffer.from('{"code":"TIMEOUT","origin":0,"error":{"name":"a","message":"b","stack":"c"}}')])))`,
    ],
    ['a response to a JSON call', `send(frame(37, 1, '{"status":200,"headers":[],"hasBody":true}'))`],
    ['a body nobody opened', 'send(frame(38, 1, "x"))'],
    ['a log line with a wrong length', 'send(frame(43, 1, Buffer.from([1, 0, 255, 255, 255, 255])))'],
    ['a log line with a wrong level', 'send(frame(43, 1, Buffer.from([9, 0, 0, 0, 0, 0])))'],
    ['log places with a wrong length', 'send(frame(43, 1, Buffer.from([1, 9, 0, 0, 0, 0, 0x31])))'],
    ['log fields that are a number', 'send(frame(43, 1, Buffer.from([1, 0, 0, 0, 0, 0, 0x31])))'],
    [
      'an endless log',
      'const line = Buffer.concat(Array(1000).fill(frame(43, 1, Buffer.concat([Buffer.from([1, 60, 0, 0, 0]), Buffer.alloc(60, 97)])))); const more = () => socket.write(line, more); more()',
    ],
    ['a host call without a method', 'send(frame(42, 1, Buffer.alloc(50)))'],
    ['a host call that is not JSON', 'send(frame(42, 1, Buffer.from("\\0\\0\\0\\0db.query\\n{")))'],
    ['too many host calls', 'for (let call = 0; call < 200; call++) send(frame(42, 1, Buffer.from("\\0\\0\\0\\0db.query\\n{}")))'],
    [
      'a host call with a hundred thousand keys',
      'const keys = Object.fromEntries(Array.from({ length: 100001 }, (_, key) => [key, 0])); send(frame(42, 1, "\\0\\0\\0\\0db.query\\n" + JSON.stringify(keys)))',
    ],
    ['a second greeting', 'send(frame(32, 0, Buffer.alloc(4)))'],
    ['a second load', 'send(frame(33, 0, Buffer.concat([cpu, Buffer.from("json")])))'],
    ['a late load failure', `send(frame(34, 0, '{"code":"LOAD_FAILED","origin":0,"error":{"name":"a","message":"b","stack":"c"}}'))`],
  ]
  for (const [name, attack] of attacks) {
    it(`that sends ${name} is killed`, async () => {
      const executor = await createHostileExecutor(attack)
      const outcome = await invoke(executor, versionOfCode(''), 1, {
        capabilities: { call: () => new Promise(() => undefined), end: async () => undefined },
      })
      expect(failureOf(outcome).code).to.equal('PROTOCOL_VIOLATION')
      await executor.close()
    })
  }

  it('that closes its end or ends after half a frame has crashed', async () => {
    for (const attack of [
      'socket.destroy(); setInterval(() => undefined, 1000)',
      'socket.end(frame(35, 1, cpu).subarray(0, 5), () => process.exit(0))',
    ]) {
      const executor = await createHostileExecutor(attack)
      expect(failureOf(await invoke(executor, versionOfCode(''))).code).to.equal('CRASHED')
      await executor.close()
    }
  })

  it('that lies about what it has begun has its call run again once, and not at all when the host saw it begin', async () => {
    const executor = await createHostileExecutor(`
      const id = received.readUInt32LE(5)
      if (received.includes('lies')) process.exit(86)
      if (received.includes('logs')) return socket.write(frame(43, id, Buffer.from([1, 0, 1, 0, 0, 0, 120])), () => process.exit(86))
      send(frame(35, id, cpu))`)
    const version = versionOfCode('')
    for (const [what, times] of [
      ['lies', 2],
      ['logs', 1],
    ] as const) {
      outputOf(await invoke(executor, version, 'fine'))
      let begun = 0
      const capabilities = { call: async () => null, end: async () => undefined, onDispatch: () => void begun++ }
      expect(failureOf(await invoke(executor, version, what, { capabilities })).code).to.equal('CRASHED')
      expect(begun).to.equal(times)
    }
    await executor.close()
  })

  it('cannot make the host believe an error of a host call that never failed', async () => {
    const executor = await createHostileExecutor(
      `send(frame(36, 1, Buffer.concat([cpu, Buffer.from('{"code":"FUNCTION_ERROR","origin":5,"error":{"name":"PlatformError","message":"QUERY_TIMEOUT","stack":""}}')])))`,
    )
    expect(failureOf(await invoke(executor, versionOfCode(''))).code).to.equal('FUNCTION_ERROR')
    await executor.close()
  })
})
