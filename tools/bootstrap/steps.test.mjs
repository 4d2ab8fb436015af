import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { createScratch } from '../test/scratch.mjs'
import { build, isBuilt } from './build-step.mjs'
import { isInstalled } from './install-step.mjs'
import { root, setUp } from './setup.mjs'

describe('the install step', () => {
  const locked = { version: '1.0.0' }
  const manifest = { name: 'app', dependencies: { a: '1.0.0' } }
  const lock = { lockfileVersion: 3, packages: { '': manifest, 'node_modules/a': locked } }
  const complete = {
    'package.json': manifest,
    'package-lock.json': lock,
    'node_modules/.package-lock.json': { packages: { 'node_modules/a': locked } },
    'node_modules/a/package.json': { name: 'a', version: '1.0.0' },
  }

  function isInstalledWith(files) {
    const scratch = createScratch({ ...complete, ...files })
    try {
      return isInstalled(scratch.folder)
    } finally {
      scratch.remove()
    }
  }

  it('has nothing to do when node_modules is what the lock file says', () => {
    expect(isInstalledWith({})).to.equal(true)
  })

  it('is needed in an empty clone', () => {
    const scratch = createScratch({ 'package.json': manifest, 'package-lock.json': lock })
    expect(isInstalled(scratch.folder)).to.equal(false)
    scratch.remove()
  })

  const stale = {
    'a dependency was added to the manifest': { 'package.json': { ...manifest, devDependencies: { b: '1.0.0' } } },
    'a workspace package was added': { 'packages/new/package.json': { name: '@cordon/new' } },
    'the lock file names another version': { 'package-lock.json': { packages: { '': manifest, 'node_modules/a': { version: '1.0.1' } } } },
    'an install was killed': { 'node_modules/.cordon-installing': '' },
    'an install never wrote its record': { 'node_modules/.package-lock.json': { packages: {} } },
    'a package for this platform is missing': {
      'package-lock.json': {
        packages: { ...lock.packages, 'node_modules/b': { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] } },
      },
    },
  }
  for (const [when, files] of Object.entries(stale)) {
    it(`is needed when ${when}`, () => {
      expect(isInstalledWith(files)).to.equal(false)
    })
  }

  it('does not ask for packages of other platforms', () => {
    const foreign = { version: '1.0.0', optional: true, os: ['plan9'], cpu: [process.arch] }
    expect(isInstalledWith({ 'package-lock.json': { packages: { ...lock.packages, 'node_modules/b': foreign } } })).to.equal(true)
  })

  it('is needed when a package was deleted by hand', () => {
    const scratch = createScratch(complete)
    rmSync(join(scratch.folder, 'node_modules/a'), { recursive: true })
    expect(isInstalled(scratch.folder)).to.equal(false)
    scratch.remove()
  })
})

describe('the build step', () => {
  let scratch

  beforeEach(() => {
    scratch = createScratch({
      'package.json': { name: 'app' },
      'package-lock.json': { packages: { '': {} } },
      'tsconfig.json': { files: [], references: [{ path: 'packages/a' }] },
      'packages/a/package.json': { name: 'a', type: 'module' },
      'packages/a/tsconfig.json': {
        compilerOptions: { composite: true, rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo', module: 'NodeNext', types: [] },
        include: ['src'],
      },
      'packages/a/src/one.ts': 'export const one = 1\n',
      'packages/a/src/two.ts': 'export const two = 2\n',
    })
    mkdirSync(join(scratch.folder, 'node_modules'))
    for (const name of ['typescript', '@typescript']) symlinkSync(join(root, 'node_modules', name), join(scratch.folder, 'node_modules', name))
  })

  afterEach(() => scratch.remove())

  function at(path) {
    return join(scratch.folder, path)
  }

  it('compiles, and has nothing to do afterwards', async () => {
    expect(isBuilt(scratch.folder)).to.equal(false)
    await build(scratch.folder, { command: 'npm test' })
    expect(isBuilt(scratch.folder)).to.equal(true)
    expect(readFileSync(at('packages/a/dist/one.js'), 'utf8')).to.include('one = 1')
  })

  it('notices a source that changed, came or went, and an output that went', async () => {
    await build(scratch.folder, { command: 'npm test' })
    const changes = [
      () => scratch.write('packages/a/src/one.ts', 'export const one = 3\n'),
      () => utimesSync(at('packages/a/src/one.ts'), new Date(), new Date(Date.now() + 5000)),
      () => scratch.write('packages/a/src/three.ts', 'export const three = 3\n'),
      () => rmSync(at('packages/a/src/three.ts')),
      () => rmSync(at('packages/a/dist/two.js')),
    ]
    for (const change of changes) {
      change()
      expect(isBuilt(scratch.folder), change.toString()).to.equal(false)
      await build(scratch.folder, { command: 'npm test' })
      expect(isBuilt(scratch.folder), change.toString()).to.equal(true)
    }
    expect(existsSync(at('packages/a/dist/two.js'))).to.equal(true)
    expect(existsSync(at('packages/a/dist/three.js'))).to.equal(false)
    expect(existsSync(at('packages/a/dist/three.d.ts'))).to.equal(false)
  })

  it('says what is wrong with a source that does not compile, and tries again', async () => {
    scratch.write('packages/a/src/one.ts', 'export const one: string = 1\n')
    const failure = await build(scratch.folder, { command: 'npm test' }).catch((error) => error)
    expect(failure.name).to.equal('SetupProblem')
    expect(failure.message).to.include('packages/a/src/one.ts').and.include('then run "npm test" again')
    expect(isBuilt(scratch.folder)).to.equal(false)
    scratch.write('packages/a/src/one.ts', 'export const one: string = "1"\n')
    await build(scratch.folder, { command: 'npm test' })
    expect(isBuilt(scratch.folder)).to.equal(true)
  })

  it('keeps outputs that are not made by the compiler', async () => {
    scratch.write('packages/a/dist/runtime.js', '1')
    await build(scratch.folder, { command: 'npm test' })
    expect(existsSync(at('packages/a/dist/runtime.js'))).to.equal(true)
  })
})

describe('the set-up', () => {
  it('installs without network a clone that needs no packages, and removes what a killed install left', async () => {
    const manifest = { name: 'app', version: '1.0.0' }
    const lock = { ...manifest, lockfileVersion: 3, packages: { '': manifest } }
    const scratch = createScratch({
      'package.json': manifest,
      'package-lock.json': lock,
      'node_modules/.cordon-installing': '',
      'node_modules/half/package.json': '{',
    })
    try {
      await setUp({ command: 'npm test', folder: scratch.folder })
      expect(isInstalled(scratch.folder)).to.equal(true)
      expect(existsSync(join(scratch.folder, 'node_modules/half'))).to.equal(false)
      expect(existsSync(join(scratch.folder, '.bootstrap.lock'))).to.equal(false)
      expect(JSON.parse(readFileSync(join(scratch.folder, 'package-lock.json'), 'utf8'))).to.deep.equal(lock)
    } finally {
      scratch.remove()
    }
  })
})
