import { expect } from 'chai'
import { readBytes } from '../dist/routes/body.js'

describe('a body that is read whole', () => {
  it('takes little more memory than it has bytes, in however many chunks it comes', async () => {
    const count = 1_000_000
    let left = count
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left === 0) return controller.close()
        controller.enqueue(Uint8Array.of(left % 251))
        left -= 1
      },
    })
    const request = new Request('http://localhost/', { method: 'POST', body, duplex: 'half' })
    globalThis.gc?.()
    const before = process.memoryUsage()
    let most = 0
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().heapUsed - before.heapUsed)), 20)
    const bytes = await readBytes(request, count)
    clearInterval(timer)
    expect([bytes.length, bytes[0], bytes.at(-1)]).to.deep.equal([count, count % 251, 1])
    expect(process.memoryUsage().heapUsed - before.heapUsed).to.be.below(count * 100)
    expect(most).to.be.below(count * 100)
  })

  it('is refused one byte above its limit, and whole at it', async () => {
    const post = (text: string): Request => new Request('http://localhost/', { method: 'POST', body: new Blob([text]).stream(), duplex: 'half' })
    expect(Buffer.from(await readBytes(post('x'.repeat(100_000)), 100_000)).toString()).to.equal('x'.repeat(100_000))
    await readBytes(post('x'.repeat(100_001)), 100_000).then(
      () => expect.fail('was taken'),
      (error: unknown) => expect(error).to.have.property('code', 'PAYLOAD_TOO_LARGE'),
    )
  })
})
