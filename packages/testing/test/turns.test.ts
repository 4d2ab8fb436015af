import { expect } from 'chai'
import { createTurns } from '../dist/turns.js'

describe('turns', () => {
  it('go to some at once, and to the others one after the other, failures included', async () => {
    const inTurn = createTurns(2)
    let running = 0
    let most = 0
    const works = Array.from({ length: 9 }, async (_, index) =>
      inTurn(async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        if (index % 3 === 0) throw new Error('on purpose')
        return index
      }).catch(() => -1),
    )
    expect(await Promise.all(works)).to.deep.equal([-1, 1, 2, -1, 4, 5, -1, 7, 8])
    expect([most, running]).to.deep.equal([2, 0])
  })
})
