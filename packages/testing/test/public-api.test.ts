import { expect } from 'chai'
import * as testing from '@cordon/testing'

describe('public interface of @cordon/testing', () => {
  it('is exactly this', () => {
    expect(Object.keys(testing).sort()).to.deep.equal(['PlatformError', 'createTestPlatform', 'fetchFunction', 'loadFunction', 'runFunction'])
  })
})
