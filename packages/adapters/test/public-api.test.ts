import * as entry from '@cordon/adapters'
import * as expressEntry from '@cordon/adapters/express'
import * as nodeEntry from '@cordon/adapters/node'
import { expect } from 'chai'

describe('the public API of @cordon/adapters', () => {
  it('is exactly this', () => {
    expect(Object.keys(entry)).to.have.members(['createHandler'])
    expect(Object.keys(expressEntry)).to.have.members(['expressAdapter'])
    expect(Object.keys(nodeEntry)).to.have.members(['nodeAdapter', 'readHostFile', 'serve'])
  })
})
