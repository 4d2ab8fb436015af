import { execFile, spawnSync } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isRecord } from '@cordon/contracts'
import { expect } from 'chai'
import { createScratch } from './support/scratch.ts'

const run = promisify(execFile)

/** A mount namespace of our own, as root or with the rights of a user namespace: nothing stays mounted when the test ends in any way. */
const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-current-user', '--keep-caps', '--mount']
const mayMount = spawnSync('unshare', [...namespace, 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/mnt']).status === 0

describe('embedded server on a disk that is too small', () => {
  const title = 'says that the disk is full or read-only, loses nothing that was acknowledged, and goes on by itself when there is space'
  if (!mayMount) {
    it.skip(`${title} (skipped: this user may not mount a file system)`)
    return
  }
  it(title, async function () {
    this.timeout(120_000)
    const scratch = await createScratch()
    try {
      const mount = join(scratch.path, 'mount')
      await mkdir(mount)
      await chmod(mount, 0o711)
      const file = fileURLToPath(new URL('../test/fixtures/full-disk.mjs', import.meta.url))
      const script = 'mount -t tmpfs -o size=110m,mode=0711 none "$1" && exec "$2" "$3" "$1"'
      const { stdout } = await run('unshare', [...namespace, 'sh', '-c', script, 'sh', mount, process.execPath, file])
      const said: unknown = JSON.parse(stdout)
      if (!isRecord(said)) throw new Error(stdout)
      expect(said).to.deep.include({ left: [], kept: true, keptAfterStart: true })
      expect(said['again']).to.equal(undefined)
      expect(Number(said['acknowledged'])).to.be.greaterThan(0)
      for (const stage of ['create', 'write', 'start'] as const) {
        expect(said[stage], stage).to.include({ code: 'STORE_UNAVAILABLE' })
        expect(said[stage], stage)
          .to.have.property('message')
          .that.matches(/no space|No space/)
      }
      expect(said['readOnly']).to.deep.include({ code: 'INVALID_OPTION' })
      expect(said['readOnly']).to.have.property('message').that.contains('read-only file system')
    } finally {
      await scratch.remove()
    }
  })
})
