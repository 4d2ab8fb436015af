import { access, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { createTestDirectory } from '@cordon/core/testing'

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

describe('the directory of a test platform', () => {
  it('removes what test platforms abandoned, and nothing of the same name that they did not make', async () => {
    const abandoned = await createTestDirectory()
    const starting = await createTestDirectory()
    const other = await mkdtemp(join(dirname(abandoned), 'cordon-test-'))
    const made = [abandoned, starting, other]
    try {
      await writeFile(join(other, 'notes.txt'), 'work of somebody')
      const longAgo = new Date(Date.now() - 3_600_000)
      for (const directory of [abandoned, other]) await utimes(directory, longAgo, longAgo)
      made.push(await createTestDirectory())
      expect(await Promise.all(made.map(isThere))).to.deep.equal([false, true, true, true])
      expect(await isThere(join(other, 'notes.txt'))).to.equal(true)
    } finally {
      for (const directory of made) await rm(directory, { recursive: true, force: true })
    }
  })
})
