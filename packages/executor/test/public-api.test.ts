import { expect } from 'chai'
import * as executor from '@cordon/executor'

describe('@cordon/executor', () => {
  it('exports exactly its public names', () => {
    expect(Object.keys(executor).sort()).to.deep.equal(['createExecutor', 'createReaper', 'createThreadExecutor', 'probeHardening'])
  })
})
