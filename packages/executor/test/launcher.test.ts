import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Hardening } from '../dist/hardening/hardening.js'
import { probeLauncher } from '../dist/hardening/launcher.js'
import { sandboxEnvironment } from '../dist/hardening/node-flags.js'
import { findLauncherProgram } from '../dist/hardening/launcher-program.js'
import { readAnswers } from '../dist/hardening/launcher-self-check.js'
import { sharedLibraries } from '../dist/hardening/shared-libraries.js'
import { runBare, setOutCanaries, type Canaries, type Ending } from './bare-sandbox.js'

describe('the launcher', function () {
  let hardening: Hardening
  let canaries: Canaries

  before(async function () {
    if (process.platform !== 'linux') return this.skip()
    const probe = await probeLauncher()
    if (probe.kind === 'unavailable') throw new Error(JSON.stringify(probe.missing))
    hardening = probe.hardening
    canaries = await setOutCanaries()
  })
  after(async () => canaries?.[Symbol.asyncDispose]())
  afterEach(() => expect(canaries.touched()).to.deep.equal([]))

  /** Every door is tried without Node's permission model: what refuses is the operating system. */
  function attempt(script: string, memoryMb = 64): Promise<Ending> {
    return runBare(hardening, script, { withoutPermissionModel: true, memoryMb })
  }

  /** Runs expressions and expects each to throw one of `codes`. */
  async function expectRefused(expressions: readonly string[], codes: readonly string[]): Promise<void> {
    const tries = expressions.map(
      (expression) => `try { ${expression}; got.push('worked') } catch (error) { got.push(error.info?.code ?? error.code ?? error.message) }`,
    )
    const ending = await attempt(`const fs = require('fs'), os = require('os'); const got = []; ${tries.join('\n')}; done(got)`)
    expect(ending.kind, ending.stderr).to.equal('result')
    const got = ending.value as string[]
    expressions.forEach((expression, index) => expect(codes, `${expression} gave ${got[index]}`).to.include(got[index]))
  }

  it('reports what the self-check saw, once per host', async function () {
    const report = hardening.report()
    expect(report.level).to.equal('launcher')
    expect(report.enforced).to.include.members([
      'read',
      'create',
      'tcp-connect',
      'signal-host',
      'fork',
      'exec',
      'io-uring',
      'inherited-descriptor',
      'memory-limit',
    ])
    expect(report.missing.map(({ what }) => what)).to.include('hide-which-paths-exist')
    expect(report.enforced.includes('user-of-its-own')).to.equal(process.getuid?.() === 0)
    const again = await probeLauncher()
    expect(again.kind === 'available' && again.hardening).to.equal(hardening)
  })

  it('lets nothing be read', async function () {
    const path = JSON.stringify(canaries.path)
    const paths = [
      path,
      `'/etc/passwd'`,
      `'/proc/self/environ'`,
      `'/proc/${process.pid}/environ'`,
      `'/proc/self/maps'`,
      `'/sys/kernel/ostype'`,
      `'/etc/hostname'`,
    ]
    await expectRefused([...paths.map((one) => `fs.readFileSync(${one})`), `fs.readdirSync('/')`, `fs.opendirSync('/proc')`], ['EACCES', 'ENOENT'])
  })

  it('lets nothing be written, changed, looked at or watched', async function () {
    const path = JSON.stringify(canaries.path)
    const target = JSON.stringify(canaries.writePath)
    const writes = [
      `fs.writeFileSync(${target}, 'x')`,
      `fs.appendFileSync(${path}, 'x')`,
      `fs.mkdirSync(${target})`,
      `fs.symlinkSync('/', ${target})`,
    ]
    const more = [
      `fs.linkSync(${path}, ${target})`,
      `fs.renameSync(${path}, ${target})`,
      `fs.unlinkSync(${path})`,
      `fs.truncateSync(${path})`,
      `fs.rmSync(${path})`,
    ]
    const changes = [
      `fs.chmodSync(${path}, 0)`,
      `fs.chownSync(${path}, 1, 1)`,
      `fs.utimesSync(${path}, 1, 1)`,
      `fs.lutimesSync(${path}, 1, 1)`,
      `fs.copyFileSync(${path}, ${target})`,
    ]
    const looks = [
      `fs.statSync(${path})`,
      `fs.accessSync(${path})`,
      `fs.readlinkSync('/proc/self/exe')`,
      `fs.realpathSync.native(${path})`,
      `fs.statfsSync('/')`,
    ]
    const rest = [
      `process.chdir('/')`,
      `fs.watch(${path})`,
      `fs.openSync('/dev/shm/cordon', 'w')`,
      `fs.mkdtempSync('/tmp/cordon-')`,
      `fs.openSync('/dev/null', 'w')`,
    ]
    await expectRefused([...writes, ...more, ...changes, ...looks, ...rest], ['EACCES', 'EPERM'])
  })

  it('lets no process be started, signalled or slowed down', async function () {
    const host = process.pid
    const starts = [
      `const { error } = require('child_process').spawnSync('/bin/true'); if (error) throw error`,
      `process.execve?.('/bin/true', ['true'], {}); throw { code: 'EPERM' }`,
    ]
    const signals = [
      `process.kill(${host}, 0)`,
      `process.kill(${host}, 'SIGUSR1')`,
      `process._debugProcess(${host})`,
      `process.kill(-1, 0)`,
      `os.setPriority(${host}, 19)`,
    ]
    await expectRefused(
      [...starts.slice(0, 1), ...signals, `process.setuid(0)`, `process.setgroups([0])`],
      ['EPERM', 'EACCES', 'ERR_UNKNOWN_CREDENTIAL'],
    )
  })

  it('lets no other program take the place of Node', async function () {
    const { kind, status, value } = await attempt(`process.execve?.('/bin/true', ['true'], {}); done('still here')`)
    // Node aborts when execve fails, and does not have it before 22.15.
    expect(kind === 'result' ? value : status).not.to.equal(0)
  })

  it('lets nothing reach the network', async function () {
    const script = `
      const net = require('net'), dgram = require('dgram'), dns = require('dns'); const got = []
      const note = (name) => (error) => { got.push(name + ':' + error.code); if (got.length === 7) done(got.sort()) }
      net.connect(${canaries.port}, '127.0.0.1').on('error', note('tcp'))
      net.connect(${canaries.port}, '::1').on('error', note('tcp6'))
      net.connect('\\0cordon-abstract').on('error', note('abstract'))
      net.connect('/var/run/docker.sock').on('error', note('unix'))
      net.createServer().on('error', note('listen')).listen(0)
      try { dgram.createSocket('udp4').on('error', note('udp')).send('x', ${canaries.port}, '127.0.0.1') } catch (error) { note('udp')(error) }
      dns.lookup('localhost', (error) => error ? note('dns')(error) : note('dns')({ code: 'worked' }))`
    const { value, stderr } = await attempt(script)
    expect(value, stderr).to.be.an('array')
    const codes = (value as string[]).map((line) => line.split(':'))
    // A literal name may be answered by the resolver itself without a socket: nothing is reached.
    for (const [name, code] of codes) if (name !== 'dns') expect(code, name).to.equal('EPERM')
  })

  it('hands on no descriptor but 0 to 3', async function () {
    const command = hardening.command({ nodeArguments: [], environment: {}, memoryMb: 64 })
    const program = command.arguments.slice(0, command.arguments.indexOf('--'))
    const file = openSync(canaries.path, 'r')
    try {
      const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 'pipe', 'pipe', 'pipe', file, file, file]
      const child = spawn(command.file, [...program, '--check', '--', canaries.path, canaries.writePath, String(canaries.port)], {
        stdio,
        env: {},
        cwd: '/',
      })
      let text = ''
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      await once(child, 'close')
      expect(readAnswers(text).holes).to.deep.equal([])
      expect(readAnswers(text).refused).to.include('inherited-descriptor')
    } finally {
      closeSync(file)
    }
  })

  it('refuses with the filter alone whatever Landlock does not know, and with Landlock alone whatever the filter lets pass', function () {
    const found = findLauncherProgram()
    const options = [`--parent=${process.pid}`, '--data=100000000', '--files=1024']
    const rest = ['--', canaries.path, canaries.writePath, String(canaries.port)]
    const filter = readAnswers(spawnSync(found.path ?? '', [...options, '--check=seccomp', ...rest], { encoding: 'utf8', env: {} }).stdout)
    expect(filter.holes).to.have.members(['read', 'read-own-environment', 'list-directory', 'inherited-descriptor'])
    // Landlock's probes change the mode of what they get at, so it is not the canary here.
    const landlock = readAnswers(
      spawnSync(found.path ?? '', [...options, '--check=landlock', '--', '/proc/self/status', canaries.writePath, '1'], { encoding: 'utf8', env: {} })
        .stdout,
    )
    expect(landlock.refused).to.include.members([
      'read',
      'read-own-environment',
      'list-directory',
      'create',
      'make-directory',
      'make-link',
      'remove',
      'trace-host',
    ])
  })

  it('turns memory above the limit into a RangeError, or ends the process', async function () {
    const buffers = await attempt(
      `const kept = []; try { for (;;) kept.push(Buffer.alloc(8 << 20, 1)) } catch (error) { done([error.name, kept.length]) }`,
    )
    // When the limit falls between two pieces, V8's own next allocation fails instead and it gives up.
    if (buffers.kind === 'ended') expect(['SIGABRT', 'SIGTRAP', 'SIGSEGV']).to.include(buffers.signal)
    else {
      const [name, count] = buffers.value as [string, number]
      expect(name).to.equal('RangeError')
      // 64 MiB and the reserve of 16 in pieces of 8.
      expect(count).to.be.within(6, 11)
    }
    const wasm = await attempt(
      `try { new WebAssembly.Memory({ initial: 1, maximum: 65536 }).grow(4096); done('grew') } catch (error) { done(error.name) }`,
    )
    expect(wasm.value).to.equal('RangeError')
  })

  it('gives a function with more memory more', async function () {
    const { value } = await attempt(
      `const kept = []; for (let index = 0; index < 24; index++) kept.push(Buffer.alloc(8 << 20, 1)); done(kept.length)`,
      256,
    )
    expect(value).to.equal(24)
  })

  it('lets Node abort', async function () {
    const { kind, signal } = await attempt('process.abort()')
    expect([kind, signal]).to.deep.equal(['ended', 'SIGABRT'])
  })

  it('lets Node compute: threads of its own, timers, cryptography, compression, WebAssembly', async function () {
    const script = `
      const { promisify } = require('util'), zlib = require('zlib'), crypto = require('crypto')
      ;(async () => {
        const packed = await promisify(zlib.gzip)(Buffer.alloc(100000))
        const key = await promisify(crypto.scrypt)('a', 'b', 32, { N: 1024 })
        const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
        await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
        await new Promise((resolve) => setTimeout(resolve, 1))
        done([(await promisify(zlib.gunzip)(packed)).length, key.length, publicKey.type, await new Response(new Blob(['x']).stream()).text()])
      })()`
    expect((await attempt(script)).value).to.deep.equal([100000, 32, 'public', 'x'])
  })

  it('runs sandboxes as a user of their own when the host is root', async function () {
    const { value } = await attempt('done([process.getuid(), process.geteuid(), process.getgid(), process.getgroups().length])')
    const isRoot = process.getuid?.() === 0
    if (isRoot) expect(value).to.deep.equal([60600, 60600, 60600, 1])
    else expect((value as number[])[0]).to.equal(process.getuid?.())
  })

  it('takes its sandbox along when the host is killed while a function loops for ever', async function () {
    const host = spawn(process.execPath, [fileURLToPath(new URL('../test/fixtures/launcher-host.mjs', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [first] = (await once(host.stdout.setEncoding('utf8'), 'data')) as [string]
    expect(first).to.equal('looping')
    host.kill('SIGKILL')
    // The sandbox holds the other end of this pipe: it closes when the last of the two is gone.
    await once(host, 'close')
  })

  it('refuses rather than start with less than was asked for', function () {
    const program = findLauncherProgram().path ?? ''
    const good = [`--parent=${process.pid}`, '--data=100000000', '--files=64']
    const cases: [string[], RegExp][] = [
      [[], /--parent, --data, --files and -- are needed/],
      [[...good, '--', '/nowhere/node'], /open \/nowhere\/node: errno 2/],
      [[...good, '--unknown', '--', process.execPath], /use option --unknown/],
      [[...good, '--files=9x', '--', process.execPath], /read option --files=9x/],
      [[...good, '--data=99999999999999999999', '--', process.execPath], /read option --data/],
      [[...good, '--read=/nowhere/lib.so', '--', process.execPath], /open \/nowhere\/lib.so: errno 2/],
      [[...good, '--uid=1', '--', process.execPath], /--uid needs --gid/],
      [[...good, '--parent=1', '--', process.execPath], /the host is gone/],
      [[...good, '--cpus=0', '--'], /arguments are missing/],
      [[...good, '--check=nothing', '--', 'a', 'b', '1'], /use option --check=nothing/],
    ]
    for (const [given, expected] of cases) {
      const { status, stderr } = spawnSync(program, given, { encoding: 'utf8', env: {} })
      expect(status, given.join(' ')).to.equal(125)
      expect(stderr)
        .to.match(/^cordon-launcher: Cannot .*: errno \d+\n$/)
        .and.match(expected)
    }
  })

  it('keeps a process to the cores it is given', function () {
    const nodeArguments = ['-e', 'console.log(os.availableParallelism())']
    const { file, arguments: given, environment } = hardening.command({ nodeArguments, environment: sandboxEnvironment, memoryMb: 64 })
    const { stdout, stderr } = spawnSync(file, ['--cpus=1', ...given], { encoding: 'utf8', env: environment, cwd: '/' })
    expect(stdout, stderr).to.equal('1\n')
  })

  it('finds the libraries that Node has open', async function () {
    const mapped = new Set(
      Array.from(
        readFileSync('/proc/self/maps', 'latin1').matchAll(/r-xp .* (\/.*\/lib(?:c|stdc\+\+)[.-].*)$/gm),
        ([, path]) => path?.split('/').at(-1)?.split('.')[0],
      ),
    )
    const listed = (await sharedLibraries(process.execPath)).map((path) => path.split('/').at(-1)?.split('.')[0])
    expect(listed).to.include.members([...mapped])
  })
})
