import { expect } from 'chai'
import * as core from '@cordon/core'

describe('public interface of @cordon/core', () => {
  it('is exactly this', () => {
    expect(Object.keys(core).sort()).to.deep.equal(['PlatformError', 'createPlatform', 'defineConfig', 'errorTable'])
  })
})
