import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { PlatformError } from '@cordon/contracts'
import { createPlatform } from '@cordon/core'
import { databaseStatus } from '@cordon/core/database'
import { expect } from 'chai'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

describe('platform whose database cannot be started again', function () {
  this.timeout(60_000)

  it('goes on calling functions that need none, tells the others why, and has every record when it is back', async () => {
    const { path, remove } = await createScratch()
    const dataDir = join(path, 'data')
    const platform = await createPlatform({ dataDir, logger: createNotingLogger() })
    try {
      await platform.deploy({ name: 'plain', source: handler('return 1') })
      await platform.deploy({
        name: 'asking',
        source:
          'export const config = { database: true }\n/** @function */\nexport default async (input: unknown, ctx: Context) => (await ctx.db.query("select 7 as n")).rows[0]',
      })
      await platform.invoke('plain')
      expect((await platform.invoke('asking')).output).to.deep.equal({ n: 7 })

      const warnings: string[] = []
      platform.on('warning', ({ message }) => warnings.push(message))
      const { pid } = await databaseStatus({ dataDir })
      // Without this file no server starts.
      const control = join(dataDir, 'postgres/global/pg_control')
      await rename(control, `${control}.away`)
      process.kill(pid ?? 0, 'SIGKILL')
      const failures: unknown[] = []
      while (!failures.some((one) => one instanceof PlatformError && one.message.includes('in a row'))) {
        await platform.invoke('asking').catch((error: unknown) => failures.push(error))
        expect((await platform.invoke('plain')).output).to.equal(1)
      }
      for (const one of failures) expect(one).to.include({ code: 'STORE_UNAVAILABLE' })
      expect(warnings.join()).to.contain('database ended by itself')
      await rename(`${control}.away`, control)

      for (;;) {
        const answer = await platform.invoke('asking').catch(() => undefined)
        if (answer !== undefined) break
      }
      const { items } = await platform.invocations('asking', { limit: 500 })
      expect(items.filter(({ outcome }) => outcome === 'STORE_UNAVAILABLE').length).to.be.at.least(failures.length)
    } finally {
      await platform.destroy()
      await remove()
    }
  })
})
