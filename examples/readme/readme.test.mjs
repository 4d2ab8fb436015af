import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const run = promisify(execFile)

describe('the example of the README', () => {
  it('deploys a function, calls it and ends', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'cordon-readme-'))
    // As root PostgreSQL runs as another user, which has to enter.
    chmodSync(cwd, 0o711)
    try {
      const { stdout } = await run(process.execPath, [fileURLToPath(new URL('main.mjs', import.meta.url))], { cwd })
      expect(stdout).to.match(/^Hello Ada\nv_[0-9a-f]{16} greeting Ada\n$/)
    } finally {
      rmSync(cwd, { recursive: true, force: true })
    }
  })
})
