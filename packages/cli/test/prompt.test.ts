import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPlatform, type Platform } from '@cordon/core'
import { openDatabase } from '@cordon/core/database'
import { expect } from 'chai'
import { temporaryFolder } from './support/temporary-folder.ts'

const bin = fileURLToPath(new URL('../bin/cordon.js', import.meta.url))
/** `script` of util-linux runs a command in a terminal of its own. */
const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
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
      const child = spawn('script', ['-qec', `'${process.execPath}' '${bin}' db shell`, '/dev/null'], {
        cwd: folder,
        env: { ...process.env, NO_COLOR: '1', TERM: 'dumb' },
      })
      let shown = ''
      let wake = (): void => undefined
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          shown += text
          wake()
        })
      }
      const exited = once(child, 'exit')
      async function sees(words: string): Promise<void> {
        while (!shown.includes(words))
          await Promise.race([new Promise<void>((resolve) => (wake = resolve)), exited.then(() => Promise.reject(new Error(`It ended:\n${shown}`)))])
        shown = shown.slice(shown.indexOf(words) + words.length)
      }
      await sees('Database cordon.')
      await sees('cordon=> ')
      child.stdin.write('select 6 *\n')
      await sees('cordon-> ')
      child.stdin.write('7 as answer;\n')
      await sees('42')
      await sees('cordon=> ')
      child.stdin.write('select nonsense;\n')
      await sees('column "nonsense" does not exist')
      await sees('cordon=> ')
      child.stdin.write('\\c cordon_functions_absent\n')
      await sees('does not exist')
      child.stdin.write('\\c postgres\n')
      await sees('postgres=> ')
      child.stdin.write("select 'half\n")
      await sees('postgres-> ')
      child.stdin.write('\x03')
      await sees('postgres=> ')
      child.stdin.write("select 'sleeps' from pg_sleep(600);\n")
      await sees('\n')
      const beside = await (await openDatabase({ dataDir: join(folder, '.cordon') })).session('postgres')
      while ((await beside.run("SELECT FROM pg_stat_activity WHERE query LIKE '%sleeps%' AND pid <> pg_backend_pid()")).rows.length === 0);
      await beside.close()
      child.stdin.write('\x03')
      await sees('canceling statement due to user request')
      await sees('postgres=> ')
      child.stdin.write('\x04')
      const [code] = await exited
      expect(code).to.equal(0)
    } finally {
      await platform?.destroy()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
