import { expect } from 'chai'
import { root } from '../bootstrap/setup.mjs'
import { repositoryChecks } from './repository.mjs'

/** Of all packages together; run by `npm run check`, because tests of one package cannot know those of the others. */
const ofAllPackages = new Set(['provoked errors'])

describe('this repository', () => {
  for (const [name, check] of Object.entries(repositoryChecks)) {
    if (ofAllPackages.has(name)) continue
    it(`passes the check of ${name}`, async () => {
      expect(await check(root)).to.deep.equal([])
    })
  }
})
