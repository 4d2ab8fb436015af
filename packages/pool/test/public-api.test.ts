import { expect } from 'chai'
import * as pool from '@cordon/pool'

describe('public API of pool', () => {
  it('is exactly this', () => {
    expect(Object.keys(pool).toSorted()).to.deep.equal([
      'checkServer',
      'connectionFromUrl',
      'createEmbeddedServer',
      'createFunctionDatabase',
      'createSqlListener',
      'createSqlPool',
      'openSqlSession',
      'readEmbeddedFiles',
    ])
  })
})
