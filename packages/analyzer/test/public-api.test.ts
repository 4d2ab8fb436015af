import { expect } from 'chai'
import * as analyzer from '@cordon/analyzer'

describe('public API of analyzer', () => {
  it('exports exactly these values', () => {
    expect(Object.keys(analyzer).toSorted()).to.deep.equal(['codeFrame', 'createAnalyzer', 'placeAt'])
  })
})
