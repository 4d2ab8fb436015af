import * as contracts from '@cordon/contracts'
import { expect } from 'chai'

describe('the public API of @cordon/contracts', () => {
  it('exports exactly these values', () => {
    expect(Object.keys(contracts).toSorted()).to.deep.equal([
      'JsonScanner',
      'PlatformError',
      'allowTable',
      'choice',
      'cpuList',
      'decodeResult',
      'decodeValues',
      'encodeResult',
      'encodeValues',
      'errorTable',
      'flag',
      'functionConfigTable',
      'group',
      'integer',
      'invalidOption',
      'isRecord',
      'limitTable',
      'normaliseHost',
      'optional',
      'platformOptionTable',
      'readGiven',
      'reasonOf',
      'resolveFunctionConfig',
      'resolveOptions',
      'schedulingTable',
      'text',
      'textList',
      'toPlatformError',
    ])
  })
})
