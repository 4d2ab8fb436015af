import { expect } from 'chai'
import * as pool from '@cordon/pool'

describe('public API of pool', () => {
  it('is exactly this', () => {
    expect(Object.keys(pool).toSorted()).to.deep.equal([
      'ItemReader',
      'checkServer',
      'connectionFromUrl',
      'createEmbeddedServer',
      'createFunctionDatabase',
      'createSqlListener',
      'createSqlPool',
      'createTenantLoader',
      'dumpTenants',
      'findUncopied',
      'openCopyClient',
      'openSqlSession',
      'readEmbeddedFiles',
      'readTable',
      'rowsFrom',
      'writeTable',
    ])
  })
})
