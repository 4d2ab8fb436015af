import { duplexPair } from 'node:stream'
import { expect } from 'chai'
import { readPaced } from '../dist/frames/read-paced.js'

describe('a channel', () => {
  it('is read in portions, between which others have their turn, to its end and in order', async () => {
    const [host, own] = duplexPair()
    const chunks = Array.from({ length: 64 }, (_, n) => Buffer.alloc(16_384, n))
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const taken: Buffer[] = []
    readPaced(host, (chunk) => taken.push(chunk))
    for (const chunk of chunks) own.write(chunk)
    own.end()
    await new Promise((resolve) => host.once('end', resolve))
    isOver = true
    expect(Buffer.concat(taken).equals(Buffer.concat(chunks))).to.equal(true)
    expect(turns).to.be.at.least(7)
  })
})
