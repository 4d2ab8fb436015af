import { expect } from 'chai'
import type { Executor } from '@cordon/contracts'
import { conformance } from './isolations.ts'
import { failureOf, fetchFrom, invoke, outputOf, versionOf } from '../harness.ts'

function bodyOf(chunks: number, size: number, onPull: () => void = () => undefined): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent++ === chunks) return controller.close()
        onPull()
        controller.enqueue(new Uint8Array(size).fill(sent))
      },
    },
    { highWaterMark: 0 },
  )
}

async function textOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  return new Response(body).text()
}

conformance('fetch', (createExecutor) => {
  let executor: Executor
  const version = versionOf('http-echo.mjs', { timeoutMs: 60_000 })
  before(async () => (executor = await createExecutor()))
  after(() => executor.close())

  it('sends request and response with repeated headers and the status', async () => {
    const exchange = fetchFrom(executor, version, '/a?b=1', { method: 'PUT', headers: [['x-in', 'yes']], body: bodyOf(1, 1) })
    const { status, headers, body } = await exchange.response
    expect(status).to.equal(201)
    expect(headers).to.deep.include.members([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-method', 'PUT'],
      ['x-in', 'yes'],
    ])
    expect(await textOf(body)).to.equal('http://function.test/a?b=1 \u0001')
    expect(outputOf(await exchange.outcome)).to.equal(undefined)
  })

  it('hands chunks on as they come, both ways at once', async () => {
    let push: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (push = controller) })
    const exchange = fetchFrom(executor, version, '/pipe', { body })
    const reader = (await exchange.response).body?.getReader()
    for (const text of ['one', 'two', 'three']) {
      push?.enqueue(new TextEncoder().encode(text))
      expect(new TextDecoder().decode((await reader?.read())?.value)).to.equal(text)
    }
    push?.close()
    expect((await reader?.read())?.done).to.equal(true)
    expect((await exchange.outcome).kind).to.equal('success')
  })

  it('streams 400 MB down and 100 MB up in constant memory', async () => {
    const down = fetchFrom(executor, version, '/stream?chunks=400&size=1000000')
    let bytes = 0
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const { body } = await down.response
    if (body !== null) {
      for await (const chunk of body) {
        bytes += chunk.length
        most = Math.max(most, process.memoryUsage().arrayBuffers - before)
      }
    }
    expect(bytes).to.equal(400_000_000)
    const up = fetchFrom(executor, version, '/count', { body: bodyOf(100, 1_000_000) })
    expect(JSON.parse(await textOf((await up.response).body))).to.deep.equal({ bytes: 100_000_000 })
    // Chunks that were read stay until the garbage collector comes by: after about 100 MB on Node 24. Held were all 400 MB.
    expect(most).to.be.lessThan(250_000_000)
    expect((await up.outcome).peakMemoryMb).to.be.lessThan(200)
  })

  it('sends no more than the window to a function that does not read, and takes no more from it when nobody reads', async () => {
    let pulled = 0
    const ignored = fetchFrom(executor, version, '/ignore', { body: bodyOf(1000, 65_536, () => pulled++) })
    expect(await textOf((await ignored.response).body)).to.equal('not read')
    await ignored.outcome
    expect(pulled).to.be.lessThan(10)
    const unread = fetchFrom(executor, version, '/stream?chunks=1000&size=65536')
    const { body } = await unread.response
    expect(outputOf(await invoke(executor, versionOf('hello.mjs'), { name: 'x' }))).to.deep.equal({ greeting: 'Hello x' })
    await body?.cancel()
    expect(failureOf(await unread.outcome).code).to.equal('CANCELLED')
  })

  it('keeps the invocation open for waitUntil', async () => {
    const exchange = fetchFrom(executor, version, '/wait')
    expect((await exchange.response).status).to.equal(204)
    expect((await exchange.outcome).logs.map(({ message }) => message)).to.deep.equal(['waited'])
  })

  it('fails the response before its head and the body after it', async () => {
    for (const [path, text] of [
      ['/throw', 'no page'],
      ['/bad', 'expected a Response'],
    ] as const) {
      const exchange = fetchFrom(executor, version, path)
      const error = await exchange.response.then(
        () => undefined,
        (reason: Error) => reason,
      )
      expect(error).to.have.property('code', 'FUNCTION_ERROR')
      expect(error?.message).to.contain(text)
    }
    const dying = fetchFrom(executor, version, '/die')
    const error = await textOf((await dying.response).body).then(
      () => undefined,
      (reason: Error) => reason,
    )
    expect(error).to.have.property('code', 'CRASHED')
    expect(failureOf(await dying.outcome).code).to.equal('CRASHED')
    const hanging = fetchFrom(executor, versionOf('http-echo.mjs', { timeoutMs: 200 }), '/hang')
    const reader = (await hanging.response).body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).to.equal('first')
    expect(
      await reader?.read().then(
        () => undefined,
        (reason: Error) => reason,
      ),
    ).to.have.property('code', 'TIMEOUT')
  })

  it('refuses to fetch a JSON function', async () => {
    const exchange = fetchFrom(executor, versionOf('hello.mjs'), '/')
    expect(failureOf(await exchange.outcome)).to.include({ code: 'INVALID_INPUT' })
  })
})
