import * as contracts from '@cordon/contracts'
import { expect } from 'chai'

describe('the public API of @cordon/contracts', () => {
  it('exports exactly these values', () => {
    expect(Object.keys(contracts).toSorted()).to.deep.equal([
      'JsonScanner',
      'PlatformError',
      'allowTable',
      'backupTable',
      'choice',
      'cpuList',
      'databaseTable',
      'decodeResult',
      'decodeRows',
      'decodeValues',
      'encodePage',
      'encodeResult',
      'encodeValues',
      'errorTable',
      'flag',
      'functionConfigTable',
      'functionName',
      'group',
      'hostRuleId',
      'integer',
      'invalidOption',
      'isRecord',
      'limitTable',
      'listOptions',
      'netTable',
      'normaliseHost',
      'optional',
      'platformOptionTable',
      'readGiven',
      'reasonOf',
      'recordTable',
      'reservedEnvironmentName',
      'resolveFunctionConfig',
      'resolveOptions',
      'ruleIds',
      'schedulingTable',
      'secretName',
      'text',
      'textList',
      'toPlatformError',
    ])
  })
})
