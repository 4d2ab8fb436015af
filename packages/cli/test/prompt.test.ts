import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createPlatform, type Platform } from '@cordon/core'
import { openDatabase } from '@cordon/core/database'
import { expect } from 'chai'
import { hasTerminal, startAtTerminal } from './support/at-terminal.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const title = 'prompts, goes on over several lines and after errors, drops a line and stops a statement on Ctrl-C, ends on Ctrl-D'

describe('cordon db shell at a terminal', () => {
  if (!hasTerminal) {
    it.skip(`${title} (skipped: there is no "script" command that makes a terminal)`)
    return
  }
  it(title, async function () {
    this.timeout(60_000)
    const folder = await temporaryFolder('cordon-cli-')
    let platform: Platform | undefined
    try {
      platform = await createPlatform({ dataDir: join(folder, '.cordon') })
      const { sees, type, exited } = startAtTerminal(['db', 'shell'], { cwd: folder })
      await sees('Database cordon.')
      await sees('cordon=> ')
      type('select 6 *\n')
      await sees('cordon-> ')
      type('7 as answer;\n')
      await sees('42')
      await sees('cordon=> ')
      type('select nonsense;\n')
      await sees('column "nonsense" does not exist')
      await sees('cordon=> ')
      type('\\c cordon_functions_absent\n')
      await sees('does not exist')
      type('\\c postgres\n')
      await sees('postgres=> ')
      type("select 'half\n")
      await sees('postgres-> ')
      type('\x03')
      await sees('postgres=> ')
      type("select 'sleeps' from pg_sleep(600);\n")
      await sees('\n')
      const beside = await (await openDatabase({ dataDir: join(folder, '.cordon') })).session('postgres')
      while ((await beside.run("SELECT FROM pg_stat_activity WHERE query LIKE '%sleeps%' AND pid <> pg_backend_pid()")).rows.length === 0);
      await beside.close()
      type('\x03')
      await sees('canceling statement due to user request')
      await sees('postgres=> ')
      type('\x04')
      expect(await exited).to.equal(0)
    } finally {
      await platform?.destroy()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
