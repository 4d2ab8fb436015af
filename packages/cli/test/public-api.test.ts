import * as entry from '@cordon/cli'
import { expect } from 'chai'

describe('the public API of @cordon/cli', () => {
  it('is exactly this', () => {
    expect(Object.keys(entry)).to.have.members(['main'])
  })
})
