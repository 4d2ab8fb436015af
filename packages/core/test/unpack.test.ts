import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { isRecord, PlatformError, type Upload } from '@cordon/contracts'
import { uploadLimits } from '../dist/deploy/unpack/upload-limits.js'
import { unpack } from '../dist/deploy/unpack/unpack.js'
import { tar, tarGz, zip, type TarEntry, type ZipEntry } from './support/archives.ts'
import { rejection } from './support/rejection.ts'

const code = 'export default () => 1'

describe('unpack', () => {
  describe('forms of an upload', () => {
    it('takes a source as index.ts', async () => {
      expect(texts(await unpack({ name: 'a', source: code }))).to.deep.equal({ 'index.ts': code })
    })

    it('takes files as text and bytes, and keeps copies', async () => {
      const bytes = Buffer.from('{}')
      const upload = await unpack({ files: { './index.ts': code, 'lib//data.json': bytes } })
      bytes.fill(0)
      expect(texts(upload)).to.deep.equal({ 'index.ts': code, 'lib/data.json': '{}' })
    })

    it('takes a .tar.gz and strips a single top folder', async () => {
      const archive = await tarGz([
        { name: 'pkg/', type: 'directory' },
        { name: 'pkg/index.ts', content: code },
        { name: 'pkg/lib/a.ts', content: 'a' },
      ])
      expect(texts(await unpack({ archive }))).to.deep.equal({ 'index.ts': code, 'lib/a.ts': 'a' })
    })

    it('takes a .zip, stored and deflated, and strips a single top folder', async () => {
      const archive = zip([
        { name: 'pkg/index.ts', content: code },
        { name: 'pkg/lib/a.ts', content: 'a', method: 0 },
        { name: 'pkg/empty/', mode: 0o040755 },
      ])
      expect(texts(await unpack({ archive }))).to.deep.equal({ 'index.ts': code, 'lib/a.ts': 'a' })
    })

    it('ignores what operating systems leave in archives, also when it looks for the top folder', async () => {
      const archive = zip([
        { name: 'pkg/index.ts', content: code },
        { name: '__MACOSX/pkg/._index.ts', content: 'x' },
        { name: 'pkg/.DS_Store', content: 'x' },
      ])
      expect(texts(await unpack({ archive }))).to.deep.equal({ 'index.ts': code })
    })

    it('keeps node_modules when it is the only folder', async () => {
      const archive = await tarGz([{ name: 'node_modules/a/index.js', content: 'a' }])
      expect(texts(await unpack({ archive }))).to.deep.equal({ 'node_modules/a/index.js': 'a' })
    })

    it('takes PAX and GNU long names', async () => {
      const long = `${'folder/'.repeat(20)}index.ts`
      expect(
        texts(
          await unpack({
            archive: await tarGz([
              { name: long, content: code },
              { name: 'b.ts', content: 'b' },
            ]),
          }),
        ),
      ).to.have.property(long)
    })
  })

  describe('a directory or path', () => {
    let root: string

    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'cordon-unpack-'))
    })
    afterEach(() => rmSync(root, { recursive: true, force: true }))

    it('reads files and packages, without .git, .bin and type declarations', async () => {
      for (const folder of ['lib', '.git', 'node_modules/p/types', 'node_modules/.bin']) mkdirSync(join(root, folder), { recursive: true })
      for (const file of [
        'index.ts',
        'lib/a.ts',
        '.git/HEAD',
        'node_modules/p/index.js',
        'node_modules/p/types/index.d.ts',
        'node_modules/p/README.md',
      ])
        writeFileSync(join(root, file), code)
      symlinkSync('../p/index.js', join(root, 'node_modules/.bin/p'))
      expect(Object.keys(texts(await unpack({ directory: root })))).to.have.members(['index.ts', 'lib/a.ts', 'node_modules/p/index.js'])
    })

    it('refuses a link and never reads what it points at', async () => {
      writeFileSync(join(root, 'index.ts'), code)
      symlinkSync('/etc/passwd', join(root, 'secret.txt'))
      expect(await refusal(unpack({ directory: root }))).to.deep.include({ rule: 'upload-link', file: 'secret.txt' })
    })

    it('refuses a named pipe instead of waiting for it', async function () {
      if (process.platform === 'win32') this.skip()
      execFileSync('mkfifo', [join(root, 'pipe')])
      expect(await refusal(unpack({ directory: root }))).to.deep.include({ rule: 'upload-link', file: 'pipe' })
    })

    it('takes a path to a source file, an archive or a directory', async () => {
      writeFileSync(join(root, 'hello.ts'), code)
      writeFileSync(join(root, 'pkg.zip'), zip([{ name: 'index.ts', content: code }]))
      const single = await unpack({ path: join(root, 'hello.ts') })
      expect([single.entry, texts(single)]).to.deep.equal(['hello.ts', { 'hello.ts': code }])
      expect(texts(await unpack({ path: join(root, 'pkg.zip') }))).to.deep.equal({ 'index.ts': code })
      expect(texts(await unpack({ path: root }))).to.have.property('hello.ts')
    })

    it('says which path cannot be read', async () => {
      const error = await rejection(unpack({ path: join(root, 'missing.ts') }), 'INVALID_OPTION')
      expect(error.message).to.contain('missing.ts').and.contain('ENOENT')
    })
  })

  describe('a wrong shape', () => {
    const cases: [string, unknown][] = [
      ['nothing', undefined],
      ['no source', { name: 'a' }],
      ['two sources', { source: 'a', files: { 'a.ts': 'a' } }],
      ['an unknown key', { source: 'a', sources: 'b' }],
      ['a source that is no text', { source: 1 }],
      ['files that hold numbers', { files: { 'a.ts': 1 } }],
      ['an archive that is text', { archive: 'PK' }],
      ['a config with a wrong value', { source: 'a', config: { timeoutMs: -1 } }],
      ['a config with an unknown key', { source: 'a', config: { timeout: 1 } }],
      ['a path with NUL', { path: 'a\0b' }],
      ['a config in a circle', { source: 'a', config: { input: circle() } }],
      ['a config with a BigInt', { source: 'a', config: { input: { a: 1n } } }],
      ['a config as deep as the stack', { source: 'a', config: { input: { a: deep(100_000) } } }],
      ['a config of a megabyte', { source: 'a', config: { input: { title: 'x'.repeat(1_000_000) } } }],
      [
        'files that cannot be read',
        {
          files: {
            get 'a.ts'() {
              throw new Error('no')
            },
          },
        },
      ],
    ]
    for (const [what, deployment] of cases) {
      it(`refuses ${what}`, () => rejection(unpack(deployment), 'INVALID_OPTION').then(() => undefined))
    }

    it('refuses an entry that the upload does not have', async () => {
      expect(await refusal(unpack({ source: code, entry: 'main.ts' }))).to.deep.include({ rule: 'upload-path', file: 'main.ts' })
    })
  })

  describe('hostile names', () => {
    const names: [string, string][] = [
      ['../evil.ts', 'upload-path'],
      ['a/../../evil.ts', 'upload-path'],
      ['a/..', 'upload-path'],
      ['/etc/passwd', 'upload-path'],
      ['//server/share', 'upload-path'],
      ['C:/evil.ts', 'upload-path'],
      ['c:evil.ts', 'upload-path'],
      ['a\\..\\evil.ts', 'upload-path'],
      ['a/\u001b[2Jb.ts', 'upload-path'],
      ['a/__proto__/b.ts', 'upload-path'],
      [`${'d/'.repeat(40)}a.ts`, 'upload-limit'],
      [`${'x'.repeat(600)}.ts`, 'upload-limit'],
    ]
    for (const [name, rule] of names) {
      it(`refuses ${JSON.stringify(name.slice(0, 40))} in files, tar and zip`, async () => {
        expect((await refusal(unpack({ files: { [name]: 'x', 'index.ts': code } })))['rule']).to.equal(rule)
        expect(
          (
            await refusal(
              unpack({
                archive: await tarGz([
                  { name: 'index.ts', content: code },
                  { name, content: 'x' },
                ]),
              }),
            )
          )['rule'],
        ).to.equal(rule)
        // yauzl knows some of these names itself and calls the archive unsafe.
        expect(
          (
            await refusal(
              unpack({
                archive: zip([
                  { name: 'index.ts', content: code },
                  { name, content: 'x' },
                ]),
              }),
            )
          )['rule'],
        ).to.be.oneOf([rule, 'upload-archive'])
      })
    }

    it('refuses a NUL in a name', async () => {
      expect(await refusal(unpack({ files: { 'a\0.ts': 'x' } }))).to.include({ rule: 'upload-path' })
    })

    it('shows names without control characters', async () => {
      const error = await rejection(unpack({ files: { 'a\u001b[31m.ts': 'x' } }), 'DEPLOYMENT_REJECTED')
      expect(error.message).not.to.contain('\u001b')
    })

    const twins: [string, string, string][] = [
      ['the same name twice', 'a.ts', 'a.ts'],
      ['names that differ in case', 'lib/a.ts', 'LIB/A.ts'],
      ['names that differ in Unicode form', 'caf\u00e9.ts', 'cafe\u0301.ts'],
      ['folders that differ in case', 'lib/a.ts', 'Lib/b.ts'],
      ['a file that is also a folder', 'a', 'a/b.ts'],
    ]
    for (const [what, one, other] of twins) {
      it(`refuses ${what}`, async () => {
        const tarred = await tarGz([
          { name: one, content: '1' },
          { name: other, content: '2' },
        ])
        expect((await refusal(unpack({ archive: tarred })))['rule']).to.equal('upload-duplicate')
        expect(
          (
            await refusal(
              unpack({
                archive: zip([
                  { name: one, content: '1' },
                  { name: other, content: '2' },
                ]),
              }),
            )
          )['rule'],
        ).to.equal('upload-duplicate')
      })
    }
  })

  describe('hostile tar archives', () => {
    for (const type of ['link', 'symlink', 'character-device', 'block-device', 'fifo'] as const) {
      it(`refuses an entry of type ${type}`, async () => {
        const entry: TarEntry = { name: 'evil', type, linkname: '/etc/passwd' }
        expect(await refusal(unpack({ archive: await tarGz([{ name: 'index.ts', content: code }, entry]) }))).to.deep.include({
          rule: 'upload-link',
          file: 'evil',
        })
      })
    }

    it('refuses truncated and damaged data', async () => {
      const archive = await tarGz([{ name: 'index.ts', content: code.repeat(100) }])
      expect((await refusal(unpack({ archive: archive.subarray(0, archive.length - 20) })))['rule']).to.equal('upload-archive')
      const plain = await tar([{ name: 'index.ts', content: code.repeat(100) }])
      expect((await refusal(unpack({ archive: gzipSync(plain.subarray(0, 700)) })))['rule']).to.equal('upload-archive')
      expect((await refusal(unpack({ archive: gzipSync('not a tar archive'.repeat(100)) })))['rule']).to.equal('upload-archive')
      expect((await refusal(unpack({ archive: gzipSync('') })))['rule']).to.equal('upload-archive')
    })

    it('refuses a bomb without unpacking it whole', async () => {
      const bomb = gzipSync(Buffer.alloc(uploadLimits.totalBytes + 1))
      expect((await refusal(unpack({ archive: bomb })))['rule']).to.equal('upload-limit')
      const small = await tarGz([{ name: 'zeros.ts', content: Buffer.alloc(9_000_000) }])
      expect((await refusal(unpack({ archive: small })))['rule']).to.equal('upload-limit')
    })

    it('refuses too many entries', async () => {
      const entries = Array.from({ length: uploadLimits.entries + 1 }, (_, index) => ({ name: `f${index}`, content: '' }))
      expect((await refusal(unpack({ archive: await tarGz(entries) })))['rule']).to.equal('upload-limit')
      expect((await refusal(unpack({ archive: zip(entries) })))['rule']).to.equal('upload-limit')
    })
  })

  describe('hostile zip archives', () => {
    const index: ZipEntry = { name: 'index.ts', content: code }
    const cases: [string, Buffer, string][] = [
      ['a symbolic link', zip([index, { name: 'evil', content: '/etc/passwd', mode: 0o120777 }]), 'upload-link'],
      ['a device', zip([index, { name: 'evil', mode: 0o020666 }]), 'upload-link'],
      ['a size that is announced too small', zip([index, { name: 'evil', content: 'x'.repeat(5000), size: 10 }]), 'upload-archive'],
      ['a size that is announced too large', zip([index, { name: 'evil', content: 'x', size: 1000 }]), 'upload-archive'],
      ['a wrong checksum', zip([index, { name: 'evil', content: 'x', crc: 1 }]), 'upload-archive'],
      ['a local header with another name', zip([index, { name: 'evil.ts', localName: 'good.ts', content: 'x' }]), 'upload-archive'],
      ['entries that share bytes', zip([index, { name: 'evil.ts', content: code, sameAs: 0, localName: 'index.ts' }]), 'upload-archive'],
      ['an encrypted entry', zip([index, { name: 'evil', content: 'x', flags: 1 }]), 'upload-archive'],
      ['an unknown method', zip([index, { name: 'evil', content: 'x', method: 12 }]), 'upload-archive'],
      ['a bomb', zip([{ name: 'zeros', content: Buffer.alloc(9_000_000) }]), 'upload-limit'],
      ['a file above the limit', zip([{ name: 'big', content: Buffer.alloc(uploadLimits.fileBytes + 1) }]), 'upload-limit'],
      ['nothing at all', zip([]), 'upload-archive'],
      ['an archive cut at the end', zip([index]).subarray(0, -4), 'upload-archive'],
      ['garbage behind a signature', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)]), 'upload-archive'],
    ]
    for (const [what, archive, rule] of cases) {
      it(`refuses ${what}`, async () => {
        expect((await refusal(unpack({ archive })))['rule']).to.equal(rule)
      })
    }

    it('answers any damage of an archive with an upload or a refusal', async () => {
      const whole = zip([index, { name: 'lib/a.ts', content: 'a'.repeat(200) }])
      const tarred = await tarGz([{ name: 'index.ts', content: code }])
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(whole, tarred),
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
          async (archive, changes) => {
            const bytes = Buffer.from(archive)
            for (const [at, value] of changes) bytes[at % bytes.length] = value
            const result = await unpack({ archive: bytes }).catch((error: unknown) => error)
            return !(result instanceof Error) || (result instanceof PlatformError && result.code === 'DEPLOYMENT_REJECTED')
          },
        ),
        { numRuns: 500 },
      )
    })
  })

  it('refuses what is neither .tar.gz nor .zip', async () => {
    expect((await refusal(unpack({ archive: Buffer.from('hello') })))['rule']).to.equal('upload-archive')
  })
})

function circle(): unknown {
  const object: Record<string, unknown> = {}
  object['self'] = object
  return object
}

function deep(levels: number): unknown {
  let list: unknown = null
  for (let level = 0; level < levels; level++) list = [list]
  return list
}

/** The one diagnostic of a refused upload. */
async function refusal(work: Promise<unknown>): Promise<Record<string, unknown>> {
  const { details } = await rejection(work, 'DEPLOYMENT_REJECTED')
  const list: unknown = details['diagnostics']
  const first: unknown = Array.isArray(list) ? list[0] : undefined
  if (!isRecord(first)) expect.fail('expected a diagnostic')
  return first
}

function texts({ files }: Upload): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes).toString()]))
}
